# Flags for our own code: warnings, sanitizers, and what keeps results the same from compiler to compiler.
add_library(plexus_options INTERFACE)
target_compile_features(plexus_options INTERFACE cxx_std_20)
target_compile_options(plexus_options INTERFACE
  -Wall -Wextra
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # false alarms on string concatenation in GCC 12 (bug 105329)
  -ffp-contract=off  # a*b+c is two roundings unless a kernel says fma: the same bits from GCC and clang, x86 and Arm
  $<$<BOOL:${PLEXUS_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # Structures of zeros: GCC's string instruction takes 20 to 30 cycles to start, and a step of a small network fills ten.
  target_compile_options(plexus_options INTERFACE -mmemset-strategy=vector_loop:256:noalign,libcall:-1:noalign)
endif()
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

# For the command and the tests, which compute nothing themselves: a quarter less time to compile than at -O1.
set(PLEXUS_FAST_COMPILE $<$<CONFIG:Release>:-Og>)

# plexus_precompile(TARGET HEADER...): reads these headers and those of the standard library that most sources include once for the
# whole target: a fifth less time to compile. Not a header with much inline code, such as CLI11's or that of nlohmann-json: with
# GCC every source then compiles it anew, also where it is not used.
function(plexus_precompile target)
  target_precompile_headers(${target} PRIVATE ${ARGN}
    <algorithm> <array> <atomic> <chrono> <cmath> <cstdint> <cstdio> <cstring> <filesystem> <fstream> <functional> <limits> <map>
    <memory> <mutex> <numeric> <optional> <set> <span> <sstream> <stdexcept> <string> <string_view> <utility> <vector>)
endfunction()

# plexus_kernels(FILE...): adds sources to the library that are never compiled as one with others: a loop's speed is its own, and
# Highway compiles a source once for every instruction set.
function(plexus_kernels)
  target_sources(plexus PRIVATE ${ARGN})
  set_source_files_properties(${ARGN} TARGET_DIRECTORY plexus PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  if(PLEXUS_SANITIZE)
    # Unrolled, with a check at every access, matmul_tile.cpp and matmul_narrow.cpp took clang 200 and 144 s; like this, 86 and 24 s.
    set_property(SOURCE ${ARGN} TARGET_DIRECTORY plexus APPEND PROPERTY COMPILE_DEFINITIONS PLEXUS_UNROLL=)
  endif()
endfunction()

# plexus_small_sources(FILE...): adds sources to the library that work with words, once a run: two fifths smaller than at -O3, which
# keeps the library below 3 MB. They are a target of their own, since precompiled headers are of one optimization level.
function(plexus_small_sources)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  if(NOT TARGET plexus_small)
    add_library(plexus_small OBJECT)
    foreach(property INCLUDE_DIRECTORIES COMPILE_DEFINITIONS COMPILE_OPTIONS)
      set_property(TARGET plexus_small PROPERTY ${property} $<TARGET_PROPERTY:plexus,${property}>)
    endforeach()
    target_compile_features(plexus_small PRIVATE cxx_std_20)
    target_link_libraries(plexus_small PRIVATE $<TARGET_PROPERTY:plexus,LINK_LIBRARIES>)
    target_compile_options(plexus_small PRIVATE $<$<CONFIG:Release>:-Os>)
    plexus_precompile(plexus_small)
    target_sources(plexus PRIVATE $<TARGET_OBJECTS:plexus_small>)
  endif()
  target_sources(plexus_small PRIVATE ${ARGN})
endfunction()
