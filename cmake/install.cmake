# What the library exports, and what others find it by, installed or in the build tree: find_package(plexus), pkg-config.
# Headers: headers.cmake. The command and backends: beside their targets.
include(CMakePackageConfigHelpers)
set(PLEXUS_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/plexus)

if(BUILD_SHARED_LIBS)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/plexus.map.in ${PROJECT_BINARY_DIR}/plexus.map @ONLY)
  target_link_options(plexus PRIVATE LINKER:--version-script=${PROJECT_BINARY_DIR}/plexus.map)
  set_target_properties(plexus PROPERTIES LINK_DEPENDS ${PROJECT_BINARY_DIR}/plexus.map)
endif()

# The installed command finds the library beside it, wherever the prefix is moved.
file(RELATIVE_PATH PLEXUS_BIN_TO_LIB /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
set(CMAKE_INSTALL_RPATH $ORIGIN/${PLEXUS_BIN_TO_LIB})

if(NOT PLEXUS_INSTALL)
  return()
endif()
install(TARGETS plexus EXPORT plexusTargets)
install(EXPORT plexusTargets NAMESPACE plexus:: DESTINATION ${PLEXUS_CMAKE_DIR})
export(EXPORT plexusTargets NAMESPACE plexus:: FILE ${PROJECT_BINARY_DIR}/plexusTargets.cmake)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/plexusConfig.cmake.in
  ${PROJECT_BINARY_DIR}/plexusConfig.cmake INSTALL_DESTINATION ${PLEXUS_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/plexusConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file(${PROJECT_SOURCE_DIR}/cmake/plexusBackend.cmake ${PROJECT_BINARY_DIR}/plexusBackend.cmake COPYONLY)
install(FILES ${PROJECT_BINARY_DIR}/plexusConfig.cmake ${PROJECT_BINARY_DIR}/plexusConfigVersion.cmake
  ${PROJECT_BINARY_DIR}/plexusBackend.cmake DESTINATION ${PLEXUS_CMAKE_DIR})

# A static library leaves its own dependencies to whoever links it.
file(RELATIVE_PATH PLEXUS_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" PLEXUS_PC_TO_PREFIX "${PLEXUS_PC_TO_PREFIX}")
if(NOT BUILD_SHARED_LIBS)
  set(PLEXUS_PC_REQUIRES "tbb, zlib, libzip")
  set(PLEXUS_PC_LIBS "-lstdc++ -lm -ldl -pthread")
  set(PLEXUS_PC_CFLAGS -DPLEXUS_STATIC_DEFINE)
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/plexus.pc.in ${PROJECT_BINARY_DIR}/plexus.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/plexus.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
