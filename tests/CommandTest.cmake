# Tests of the commands in jobs/: help helps and runs nothing, and what cannot work is refused before anything is installed.
# command_test(<name> <exit code> <words> [ENVIRONMENT ...] COMMAND ...)
function(command_test name code words)
  cmake_parse_arguments(PARSE_ARGV 3 C "" "" "ENVIRONMENT;COMMAND")
  add_test(NAME command.${name} COMMAND ${PROJECT_SOURCE_DIR}/examples/aquifer/expect-error.sh ${code} "${words}" ${C_COMMAND})
  set_tests_properties(command.${name} PROPERTIES LABELS package TIMEOUT 30 FAIL_REGULAR_EXPRESSION "What is missing"
    ENVIRONMENT "DINI_BUILD=${CMAKE_BINARY_DIR}/commands;${C_ENVIRONMENT}")
endfunction()
set(jobs ${PROJECT_SOURCE_DIR}/jobs)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/commands)
file(WRITE ${CMAKE_BINARY_DIR}/commands/file "")
foreach(script IN ITEMS quickstart test lint matrix bare docs benchmark table)
  command_test(${script}.help 0 "jobs/${script}.sh" COMMAND ${jobs}/${script}.sh --help)
endforeach()
command_test(help-last 0 "DINI_RANKS" COMMAND ${jobs}/quickstart.sh -aquifer_cells 8,8 -h)
command_test(test.preset 2 "unknown preset 'relase'" COMMAND ${jobs}/test.sh relase)
command_test(quickstart.dashes 2 "unknown argument '--cells=8,8'" COMMAND ${jobs}/quickstart.sh --cells=8,8)
command_test(quickstart.word 2 "unknown argument '4'" COMMAND ${jobs}/quickstart.sh 4)
foreach(ranks IN ITEMS 0 -1 two 1.5 "2 ls" "$(ls)")
  string(MAKE_C_IDENTIFIER "${ranks}" id)
  command_test(ranks.${id} 2 "DINI_RANKS is '" ENVIRONMENT "DINI_RANKS=${ranks}" COMMAND ${jobs}/quickstart.sh)
endforeach()
command_test(results 2 "cannot write to DINI_RESULTS" ENVIRONMENT DINI_RESULTS=${CMAKE_BINARY_DIR}/commands/file/x
  COMMAND ${jobs}/quickstart.sh)
command_test(build 2 "cannot write to .*: name another directory" ENVIRONMENT DINI_BUILD=${CMAKE_BINARY_DIR}/commands/file/x
  COMMAND ${jobs}/test.sh)
command_test(arch 2 "PETSC_ARCH=arch-opt is set without PETSC_DIR" ENVIRONMENT PETSC_DIR= PETSC_ARCH=arch-opt COMMAND ${jobs}/test.sh)
command_test(arch.install 1 "PETSC_ARCH=arch-opt is set without PETSC_DIR" ENVIRONMENT PETSC_DIR= PETSC_ARCH=arch-opt
  COMMAND ${PROJECT_SOURCE_DIR}/petsc-config/install-debian.sh)
command_test(arch.cmake 1 "PETSC_ARCH=arch-opt is set without" ENVIRONMENT PETSC_DIR= PETSC_ARCH=arch-opt
  COMMAND ${CMAKE_COMMAND} -S ${PROJECT_SOURCE_DIR} -B ${CMAKE_BINARY_DIR}/commands/arch -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER})
