# Tests of the packages: installs into the build tree, then builds and runs tests/consumer as a stranger would, by
# find_package from the install tree and from the build tree, and by pkg-config.
set(prefix ${CMAKE_BINARY_DIR}/consumer/prefix)
add_test(NAME package.install COMMAND ${CMAKE_COMMAND} --install ${CMAKE_BINARY_DIR} --prefix ${prefix})
set_tests_properties(package.install PROPERTIES FIXTURES_SETUP installed LABELS package)

set(flags "${CMAKE_C_FLAGS}")
if(DINI_SANITIZE)
  string(APPEND flags " -fsanitize=${DINI_SANITIZE}")
endif()
if(DINI_COVERAGE)
  string(APPEND flags " --coverage")
endif()

# dini_consumer_test(<variant> <cmake arguments...>)
function(dini_consumer_test variant)
  set(dir ${CMAKE_BINARY_DIR}/consumer/${variant})
  add_test(NAME consumer.${variant} COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${PROJECT_SOURCE_DIR}/tests/consumer ${dir}
    --build-generator ${CMAKE_GENERATOR} --build-options -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER} -DCMAKE_C_FLAGS=${flags} ${ARGN}
    --test-command ${PETSc_MPIEXEC} ${MPIEXEC_NUMPROC_FLAG} 2 ${dir}/consumer -options_left)
  set_tests_properties(consumer.${variant} PROPERTIES FIXTURES_REQUIRED installed LABELS package PROCESSORS 2 TIMEOUT 240
    ENVIRONMENT "${DINI_TEST_ENVIRONMENT};ASAN_OPTIONS=detect_leaks=0;PKG_CONFIG_PATH=${prefix}/${CMAKE_INSTALL_LIBDIR}/pkgconfig"
    PASS_REGULAR_EXPRESSION "consumer: right" FAIL_REGULAR_EXPRESSION "${DINI_TEST_FAILURES}")
endfunction()
include(${PROJECT_SOURCE_DIR}/tests/DiniTest.cmake)
dini_consumer_test(install -DDini_DIR=${prefix}/${CMAKE_INSTALL_LIBDIR}/cmake/Dini)
dini_consumer_test(build -DDini_DIR=${CMAKE_BINARY_DIR})
dini_consumer_test(pkgconfig -DCONSUMER_PKGCONFIG=ON)
