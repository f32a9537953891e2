# Tests: one file tests/<name>.c is one program, run under mpiexec on several rank counts. A passing test prints nothing
# that matters; leaks and options that nobody read are failures.

if(POLICY CMP0174) # an empty TIMEOUT or EXPECT is none, without a word about it
  cmake_policy(SET CMP0174 NEW)
endif()

# Set once for every test: MPI in a container, as root, and with more ranks than cores.
set(DINI_TEST_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  OMPI_MCA_rmaps_base_oversubscribe=1       # more ranks than cores
  PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe # the same for Open MPI 5, which has a launcher of its own
  OMPI_MCA_mpi_yield_when_idle=1            # waiting ranks let others run, on a machine that is shared
  OMPI_MCA_hwloc_base_binding_policy=none   # tests run side by side; bound ranks would share core 0
  PRTE_MCA_hwloc_default_binding_policy=none
  OMPI_MCA_btl_vader_single_copy_mechanism=none # containers forbid it
  OMP_NUM_THREADS=1)
set(DINI_TEST_FAILURES "PETSC ERROR" "[[] *[0-9]+[]] *[0-9]+ bytes" "Option left" "ERROR: (Address|Leak)Sanitizer" "runtime error:")
set(DINI_TEST_OPTIONS -options_left)
if(DINI_SANITIZE)
  list(APPEND DINI_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_leaks=1:abort_on_error=0"
    "LSAN_OPTIONS=suppressions=${CMAKE_CURRENT_LIST_DIR}/support/lsan.supp:print_suppressions=0"
    "UBSAN_OPTIONS=print_stacktrace=1")
else() # PETSc's own leak check; the sanitizer has its own
  list(APPEND DINI_TEST_OPTIONS -malloc_dump)
endif()

set(DINI_TEST_EXPECT ${CMAKE_CURRENT_LIST_DIR}/support/expect.sh)

# dini_mpi_test(<test> <target> NP n [NOHEAP] [ARGS ...] [LABELS ...] [TIMEOUT s] [EXPECT regex]): one ctest entry. EXPECT
# goes through a script because ctest's PASS_REGULAR_EXPRESSION would excuse a bad exit code. NOHEAP is for programs that run
# into errors on purpose, many times: PETSc does not free what the functions hold that an error leaves.
function(dini_mpi_test test target)
  cmake_parse_arguments(PARSE_ARGV 2 T "NOHEAP" "NP;TIMEOUT;EXPECT" "ARGS;LABELS")
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  if(DINI_SANITIZE OR DINI_COVERAGE OR PETSc_BUILD STREQUAL debug)
    math(EXPR T_TIMEOUT "4 * ${T_TIMEOUT}")
  elseif(PETSc_SCALAR STREQUAL complex) # PETSc makes a Vec for each product with a Hermitian transpose, see -malloc_debug below
    math(EXPR T_TIMEOUT "3 * ${T_TIMEOUT}")
  endif()
  # -malloc_debug walks the whole heap at each allocation, up to 60 times the run time: the unit tests on one rank do it, but
  # those with the label "long", of which -malloc_dump sees the leaks, and what is written beyond a block when that is freed
  set(heap "")
  if(T_NP EQUAL 1 AND NOT DINI_SANITIZE AND NOT "examples" IN_LIST T_LABELS AND NOT "table" IN_LIST T_LABELS
     AND NOT "long" IN_LIST T_LABELS)
    set(heap -malloc_debug)
  endif()
  set(options ${DINI_TEST_OPTIONS} ${heap})
  set(environment ${DINI_TEST_ENVIRONMENT})
  if(T_NOHEAP)
    set(options -options_left)
    string(REPLACE "detect_leaks=1" "detect_leaks=0" environment "${environment}")
  endif()
  set(expect "")
  if(T_EXPECT)
    set(expect ${DINI_TEST_EXPECT} "${T_EXPECT}")
  endif()
  add_test(NAME ${test} COMMAND ${expect} ${PETSc_MPIEXEC} ${MPIEXEC_NUMPROC_FLAG} ${T_NP} ${MPIEXEC_PREFLAGS} $<TARGET_FILE:${target}>
    ${MPIEXEC_POSTFLAGS} ${T_ARGS} ${options})
  set_tests_properties(${test} PROPERTIES PROCESSORS ${T_NP} TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS};np${T_NP}"
    SKIP_RETURN_CODE 100 # DINI_TEST_SKIPPED: an external package is missing
    ENVIRONMENT "${environment}" FAIL_REGULAR_EXPRESSION "${DINI_TEST_FAILURES}")
endfunction()

# dini_test(<name> [SUFFIX .s] [RANKS 1 2 3] [ARGS ...] [LABELS ...] [TIMEOUT s])
#   builds tests/<name>.c (once) and adds <name><suffix>.n<ranks> for each rank count
function(dini_test name)
  cmake_parse_arguments(PARSE_ARGV 1 T "" "SUFFIX;TIMEOUT" "RANKS;ARGS;LABELS")
  if(NOT TARGET ${name})
    add_executable(${name} ${name}.c)
    target_link_libraries(${name} PRIVATE dinitest dini_warnings)
  endif()
  if(NOT T_RANKS)
    set(T_RANKS 1 2 3)
  endif()
  foreach(np IN LISTS T_RANKS)
    dini_mpi_test(${name}${T_SUFFIX}.n${np} ${name} NP ${np} ARGS ${T_ARGS} LABELS ${T_LABELS} TIMEOUT ${T_TIMEOUT})
  endforeach()
endfunction()
