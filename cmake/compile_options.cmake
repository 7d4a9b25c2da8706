# Flags for our own code: warnings, sanitizers, and what keeps results the same from compiler to compiler.
add_library(plexus_options INTERFACE)
target_compile_features(plexus_options INTERFACE cxx_std_20)
target_compile_options(plexus_options INTERFACE
  -Wall -Wextra
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # false alarms on string concatenation in GCC 12 (bug 105329)
  -ffp-contract=off  # a*b+c is two roundings unless a kernel says fma: the same bits from GCC and clang, x86 and Arm
  $<$<BOOL:${PLEXUS_WERROR}>:-Werror>)
if(PLEXUS_SANITIZE)
  target_compile_options(plexus_options INTERFACE
    -fsanitize=${PLEXUS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(plexus_options INTERFACE -fsanitize=${PLEXUS_SANITIZE})
endif()
if(PLEXUS_BUILD_FUZZERS)
  target_compile_options(plexus_options INTERFACE -fsanitize=fuzzer-no-link)  # counts which branches an input takes
endif()

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)  # there are none, and looking for them doubles the steps of a build (CMake 3.28 and later)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# For the command and the tests, which compute nothing themselves: a third less time to compile than at -O3.
set(PLEXUS_FAST_COMPILE $<$<CONFIG:Release>:-O1>)

# plexus_small_sources(FILE...): sources of the library that work with words, once a run: two fifths smaller than at -O3, which
# keeps the library below 3 MB.
function(plexus_small_sources)
  set_source_files_properties(${ARGN} DIRECTORY ${PROJECT_SOURCE_DIR} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-Os>)
endfunction()
