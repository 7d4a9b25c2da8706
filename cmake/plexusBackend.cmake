# For authors of backends, also by find_package(plexus).

# plexus_add_backend(NAME SOURCE...): the target NAME, a module NAME.so of C or C++ that sees the headers of Plexus, links nothing of
# it, and exports what PLEXUS_PLUGIN_EXPORT says. An undefined symbol is an error of the linker, not of whoever loads it.
# To install it where Plexus looks: install(TARGETS NAME LIBRARY DESTINATION ${PLEXUS_BACKENDS_DIR}).
function(plexus_add_backend name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX .so
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  foreach(language IN ITEMS C CXX)
    if(CMAKE_${language}_COMPILER_LOADED)
      target_compile_features(${name} PRIVATE $<IF:$<STREQUAL:${language},C>,c_std_11,cxx_std_17>)
    endif()
  endforeach()
  target_include_directories(${name} PRIVATE $<TARGET_PROPERTY:plexus::plexus,INTERFACE_INCLUDE_DIRECTORIES>)
  # The run-time library of a sanitizer is in the program alone.
  if(NOT PLEXUS_SANITIZE AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize=" AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize=")
    target_link_options(${name} PRIVATE LINKER:-z,defs)
  endif()
endfunction()
