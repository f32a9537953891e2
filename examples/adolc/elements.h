/* Linear triangles on a DMDA, with the kernel's derivatives where PETSc wants residuals, matrices and products. */
#pragma once
#include <petscdmda.h>
#include <dini.h>

typedef struct {
  DM  da;
  Vec m;
} Elements;

extern PetscErrorCode          ElementsCreate(MPI_Comm, Elements *);
extern PetscErrorCode          ElementsDestroy(Elements *);
extern PetscErrorCode          ElementsResidual(SNES, Vec u, Vec F, void *);
extern PetscErrorCode          ElementsJacobian(SNES, Vec u, Mat J, Mat P, void *);
extern DiniParameterJacobianFn ElementsFill;         /* F_m */
extern DiniParameterApplyFn    ElementsApply;        /* F_m x without the matrix */
extern DiniParameterApplyFn    ElementsApplyAdjoint; /* F_m^T x without the matrix */
