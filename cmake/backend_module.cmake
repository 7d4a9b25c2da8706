# A backend that is loaded when it is named: a module that links nothing of Plexus, where the loader looks for it, in the
# build tree (beside libplexus, or for a static one in lib beside the program's folder) as installed.
include(plexusBackend)
set(PLEXUS_BACKENDS_DIR plexus/backends-1)
if(BUILD_SHARED_LIBS)
  set(PLEXUS_BACKENDS_BUILD_DIR ${PROJECT_BINARY_DIR}/${PLEXUS_BACKENDS_DIR})
else()
  set(PLEXUS_BACKENDS_BUILD_DIR ${PROJECT_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR}/${PLEXUS_BACKENDS_DIR})
endif()

function(plexus_backend_module name)
  plexus_add_backend(plexus_backend_${name} ${ARGN})
  set_target_properties(plexus_backend_${name} PROPERTIES
    OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${PLEXUS_BACKENDS_BUILD_DIR})
  target_link_libraries(plexus_backend_${name} PRIVATE plexus_options)
  if(PLEXUS_INSTALL)
    install(TARGETS plexus_backend_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/${PLEXUS_BACKENDS_DIR})
  endif()
endfunction()
