# Includes read the same in the tree and installed: <build>/include/plexus has one link a room, beside generated headers.
set(PLEXUS_INCLUDE_DIR ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${PLEXUS_INCLUDE_DIR}/plexus)

function(plexus_room room)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${room} ${PLEXUS_INCLUDE_DIR}/plexus/${room} SYMBOLIC)
endfunction()

# A header (relative to the source tree), installed under its room.
function(plexus_install_header header)
  get_filename_component(room ${header} DIRECTORY)
  if(PLEXUS_INSTALL)
    install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/plexus/${room})
  endif()
endfunction()

# Names the public headers of a room (relative to it): installed, and included by plexus.h in the order given.
function(plexus_public_headers)
  file(RELATIVE_PATH room ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  foreach(header ${ARGN})
    set_property(GLOBAL APPEND PROPERTY PLEXUS_PUBLIC_HEADERS ${room}/${header})
  endforeach()
endfunction()

function(plexus_generate_headers)
  include(GenerateExportHeader)
  generate_export_header(plexus EXPORT_FILE_NAME ${PLEXUS_INCLUDE_DIR}/plexus/export.h)
  if(NOT BUILD_SHARED_LIBS)
    target_compile_definitions(plexus PUBLIC PLEXUS_STATIC_DEFINE)
  endif()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/version.h.in ${PLEXUS_INCLUDE_DIR}/plexus/version.h @ONLY)

  get_property(headers GLOBAL PROPERTY PLEXUS_PUBLIC_HEADERS)
  set(PLEXUS_INCLUDES "")
  foreach(header ${headers})
    string(APPEND PLEXUS_INCLUDES "#include \"plexus/${header}\"\n")
    plexus_install_header(${header})
  endforeach()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/plexus.h.in ${PLEXUS_INCLUDE_DIR}/plexus/plexus.h @ONLY)
  if(PLEXUS_INSTALL)
    install(FILES ${PLEXUS_INCLUDE_DIR}/plexus/export.h ${PLEXUS_INCLUDE_DIR}/plexus/version.h
                  ${PLEXUS_INCLUDE_DIR}/plexus/plexus.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/plexus)
  endif()

  target_include_directories(plexus PUBLIC
    $<BUILD_INTERFACE:${PLEXUS_INCLUDE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()
