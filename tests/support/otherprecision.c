/* Does not compile: a PETSc in single precision, as far as dini.h can see. */
#include <petscsnes.h>
#include <petsctao.h>
#undef PETSC_USE_REAL_DOUBLE
#include <dini.h>
