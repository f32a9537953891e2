/* Private to the library, a part of diniimpl.h: what every room needs of src/sys. */
#pragma once
#include <stdint.h>

/* sys: what every room needs to fail on all ranks or none */
DINI_INTERN const char    *DiniLabel_Private(Dini);
DINI_INTERN PetscErrorCode DiniAgree_Private(Dini, const char what[], PetscErrorCode);
DINI_INTERN PetscErrorCode DiniAppend_Private(char text[], size_t size, const char more[]);
DINI_INTERN PetscErrorCode DiniUnlock_Private(Vec, PetscInt locks);
DINI_INTERN PetscErrorCode DiniHasAdjoint_Private(Mat, PetscBool *has);
DINI_INTERN PetscErrorCode DiniNorm_Private(Vec, PetscReal *);
DINI_INTERN PetscErrorCode DiniNormMax_Private(Vec, PetscReal *);
DINI_INTERN void           DiniAddSquare_Private(PetscReal, PetscReal sums[3]);
DINI_INTERN PetscErrorCode DiniSquares_Private(Vec, PetscReal sums[3]);
DINI_INTERN PetscReal      DiniRoot_Private(const PetscReal sums[3]);
DINI_INTERN PetscReal      DiniUnit_Private(PetscReal norm);
DINI_INTERN PetscErrorCode DiniTakeUnit_Private(Vec v, PetscReal *unit, Vec *scaled);
DINI_INTERN PetscErrorCode DiniReturnUnit_Private(Vec v, Vec *scaled);
DINI_INTERN PetscErrorCode DiniScaleBack_Private(Dini, PetscReal unit, Vec x, const char what[]);
DINI_INTERN PetscErrorCode DiniCheckComm_Private(Dini, PetscObject, const char what[]);
DINI_INTERN PetscErrorCode DiniCheckEnum_Private(Dini, int value, const char *const names[], const char what[]);
DINI_INTERN PetscErrorCode DiniOtherLayout_Private(MPI_Comm, PetscObject, PetscInt m, PetscInt n, PetscBool *any);
DINI_INTERN PetscErrorCode DiniCheckLayout_Private(Dini, Vec, PetscInt n, PetscInt N, const char what[],
                                                   const char like[]);
DINI_INTERN PetscErrorCode DiniCheckMatLayout_Private(Dini, Vec u, Mat A, const char like[]);
DINI_INTERN PetscErrorCode DiniCheckState_Private(Dini, Vec, const char what[]);
DINI_INTERN PetscBool      DiniKnownNorm_Private(Dini, Vec v, PetscReal *norm);
DINI_INTERN PetscErrorCode DiniCheckFinite_Private(Dini, Vec, const char what[], PetscReal *norm);
DINI_INTERN PetscErrorCode DiniCheckMatFinite_Private(Dini, Mat, const char what[]);
DINI_INTERN PetscErrorCode DiniGhosts_Private(Vec);
DINI_INTERN PetscBool      DiniHasImaginary_Private(PetscScalar);
DINI_INTERN PetscErrorCode DiniIsReal_Private(Vec, PetscBool *);
DINI_INTERN PetscErrorCode DiniRandomStart_Private(MPI_Comm, PetscInt seed, uint64_t *state);
DINI_INTERN PetscScalar    DiniRandomNext_Private(uint64_t *state);
DINI_INTERN PetscErrorCode DiniRandom_Private(PetscInt seed, Vec v);

/* sys: names */
#define DINI_NAME 256
DINI_INTERN PetscErrorCode DiniNearer_Private(const char name[], const char candidate[], char nearest[DINI_NAME],
                                              PetscInt *distance);

/* sys: vectors of other shapes than one array */
DINI_INTERN PetscErrorCode DiniIsNest_Private(Vec, PetscBool *);
DINI_INTERN PetscErrorCode DiniSameShape_Private(Vec, Vec, PetscBool *);
DINI_INTERN PetscErrorCode DiniRefuseNest_Private(Dini, Vec, const char what[]);
DINI_INTERN PetscErrorCode DiniCopy_Private(Vec from, Vec to);
DINI_INTERN PetscErrorCode DiniAXPY_Private(Vec y, PetscScalar alpha, Vec x);
DINI_INTERN PetscErrorCode DiniCreatePlain_Private(Vec, Vec *);
DINI_INTERN PetscErrorCode DiniCreateFor_Private(Mat, Vec like, Vec *);

DINI_INTERN PetscErrorCode DiniGetColumn_Private(Mat, PetscInt j, Vec);
DINI_INTERN PetscErrorCode DiniSetColumn_Private(Mat, PetscInt j, PetscBool conj, Vec);
