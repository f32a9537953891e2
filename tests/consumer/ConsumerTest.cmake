# Tests of the packages: installs into the build tree, then builds and runs tests/consumer as a stranger would, by
# find_package from the install tree and from the build tree, and by pkg-config; the same with a static Dini.
include(${PROJECT_SOURCE_DIR}/tests/DiniTest.cmake)
set(consumer ${CMAKE_BINARY_DIR}/consumer)
set(flags "${CMAKE_C_FLAGS}")
if(DINI_SANITIZE)
  string(APPEND flags " -fsanitize=${DINI_SANITIZE}")
endif()
if(DINI_COVERAGE)
  string(APPEND flags " --coverage")
endif()
set(options -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER} "-DCMAKE_C_FLAGS=${flags}" -DCMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER})

add_test(NAME package.install COMMAND ${CMAKE_COMMAND} --install ${CMAKE_BINARY_DIR} --prefix ${consumer}/prefix)
set_tests_properties(package.install PROPERTIES FIXTURES_SETUP shared LABELS package)

# An archive, of the library alone, not optimised and without SLEPc, because it has to be compiled for this.
add_test(NAME package.static COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${PROJECT_SOURCE_DIR} ${consumer}/archive
  --build-generator ${CMAKE_GENERATOR} --build-noclean --build-target install --build-options ${options} -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF
  -DDINI_EXAMPLES=OFF -DDINI_SLEPC=OFF -DCMAKE_BUILD_TYPE=None -DCMAKE_INSTALL_PREFIX=${consumer}/static
  -DPETSC_DIR=${PETSC_DIR} -DPETSC_ARCH=${PETSC_ARCH})
set_tests_properties(package.static PROPERTIES FIXTURES_SETUP static LABELS package TIMEOUT 600)

# dini_consumer_test(<variant> <fixture> <prefix> <cmake arguments...>)
function(dini_consumer_test variant fixture prefix)
  set(dir ${consumer}/${variant})
  add_test(NAME consumer.${variant} COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${PROJECT_SOURCE_DIR}/tests/consumer ${dir}
    --build-generator ${CMAKE_GENERATOR} --build-options ${options} ${ARGN}
    --test-command ${PETSc_MPIEXEC} ${MPIEXEC_NUMPROC_FLAG} 2 ${dir}/consumer -options_left)
  set_tests_properties(consumer.${variant} PROPERTIES FIXTURES_REQUIRED ${fixture} LABELS package PROCESSORS 2 TIMEOUT 240
    ENVIRONMENT "${DINI_TEST_ENVIRONMENT};ASAN_OPTIONS=detect_leaks=0;PKG_CONFIG_PATH=${prefix}/${CMAKE_INSTALL_LIBDIR}/pkgconfig"
    PASS_REGULAR_EXPRESSION "consumer: right" FAIL_REGULAR_EXPRESSION "${DINI_TEST_FAILURES}")
endfunction()
dini_consumer_test(build shared ${consumer}/prefix -DDini_DIR=${CMAKE_BINARY_DIR})
dini_consumer_test(install shared ${consumer}/prefix -DDini_DIR=${consumer}/prefix/${CMAKE_INSTALL_LIBDIR}/cmake/Dini)
dini_consumer_test(pkgconfig shared ${consumer}/prefix -DCONSUMER_PKGCONFIG=ON)
dini_consumer_test(static static ${consumer}/static -DDini_DIR=${consumer}/static/${CMAKE_INSTALL_LIBDIR}/cmake/Dini)
dini_consumer_test(static.pkgconfig static ${consumer}/static -DCONSUMER_PKGCONFIG=ON)
dini_consumer_test(static.pkgconfig-static static ${consumer}/static -DCONSUMER_PKGCONFIG=static)
