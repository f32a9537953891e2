# How others find Dini: find_package(Dini) from the install tree or from the build tree, and dini.pc.
include(CMakePackageConfigHelpers)
set(_cmakedir ${CMAKE_INSTALL_LIBDIR}/cmake/Dini)

install(TARGETS dini EXPORT Dini FILE_SET api
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT Dini FILE DiniTargets.cmake NAMESPACE Dini:: DESTINATION ${_cmakedir})
configure_package_config_file(petsc-config/DiniConfig.cmake.in DiniConfig.cmake INSTALL_DESTINATION ${_cmakedir})
write_basic_package_version_file(DiniConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/DiniConfig.cmake ${PROJECT_BINARY_DIR}/DiniConfigVersion.cmake
  petsc-config/FindPETSc.cmake petsc-config/FindSLEPc.cmake DESTINATION ${_cmakedir})

# The build tree answers find_package(Dini) too: -DDini_DIR=<build directory>.
export(EXPORT Dini FILE ${PROJECT_BINARY_DIR}/DiniTargets.cmake NAMESPACE Dini::)
configure_file(petsc-config/FindPETSc.cmake FindPETSc.cmake COPYONLY)
configure_file(petsc-config/FindSLEPc.cmake FindSLEPc.cmake COPYONLY)

# dini.pc names this very PETSc, and SLEPc, instead of requiring "PETSc", which may be one with other scalars or another
# index size.
set(DINI_PC_CFLAGS "")
set(_includes ${PETSc_INCLUDE_DIRS})
set(_libraries ${PETSc_LIBRARIES})
if(DINI_HAVE_SLEPC)
  list(PREPEND _includes ${SLEPc_INCLUDE_DIRS})
  list(PREPEND _libraries ${SLEPc_LIBRARIES})
endif()
if(NOT BUILD_SHARED_LIBS)
  list(APPEND _libraries ${PETSc_BLAS_LIBRARIES})
endif()
foreach(_dir IN LISTS _includes)
  string(APPEND DINI_PC_CFLAGS " -I${_dir}")
endforeach()
set(DINI_PC_LIBS "")
foreach(_lib IN LISTS _libraries)
  get_filename_component(_dir "${_lib}" DIRECTORY)
  get_filename_component(_name "${_lib}" NAME_WE)
  string(REGEX REPLACE "^lib" "" _name "${_name}")
  if(_dir)
    string(APPEND DINI_PC_LIBS " -L${_dir} -Wl,-rpath,${_dir}")
  endif()
  string(APPEND DINI_PC_LIBS " -l${_name}")
endforeach()
file(RELATIVE_PATH DINI_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /) # so that the tree may be installed or moved anywhere
configure_file(petsc-config/dini.pc.in dini.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/dini.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY petsc-config/ DESTINATION ${CMAKE_INSTALL_DATADIR}/dini FILES_MATCHING PATTERN "*.opts")
