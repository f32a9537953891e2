/* The heads that an inversion predicts at wells depend on its unknowns, to first order, by L = B du/dxi. */
#include "posterior.h"

static PetscErrorCode PredictionMult(Mat L, Vec x, Vec y)
{
  Prediction *p;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(L, &p));
  PetscCall(MatMult(p->D, x, p->u));
  PetscCall(MatMult(p->B, p->u, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode PredictionMultTranspose(Mat L, Vec y, Vec x)
{
  Prediction *p;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(L, &p));
  PetscCall(MatMultTranspose(p->B, y, p->u));
  PetscCall(MatMultTranspose(p->D, p->u, x));
  PetscFunctionReturn(0);
}

/* At the wells in use, or at those held out. (A multiplicative MATCOMPOSITE of rectangular matrices has no working transposed
   product in PETSc 3.18.) */
PetscErrorCode PredictionCreate(Inversion *inv, const Wells *wells, PetscBool used, Prediction *p)
{
  Observation *ob   = &inv->observation;
  MPI_Comm     comm = PetscObjectComm((PetscObject)inv->dini);
  PetscInt     start, n = 0, columns, *row;
  IS           rows;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(ob->B, &start, NULL));
  PetscCall(PetscMalloc1(ob->n, &row));
  for (PetscInt k = 0; k < ob->n; k++)
    if (wells->well[ob->id[k]].used == used) row[n++] = start + k;
  PetscCall(ISCreateGeneral(comm, n, row, PETSC_OWN_POINTER, &rows));
  PetscCall(MatCreateSubMatrix(ob->B, rows, NULL, MAT_INITIAL_MATRIX, &p->B));
  PetscCall(ISDestroy(&rows));
  PetscCall(DiniCreateDerivative(inv->dini, DINI_ALL_PARAMETERS, &p->D));
  PetscCall(MatCreateVecs(p->B, &p->u, NULL));
  PetscCall(VecGetLocalSize(inv->x, &columns));
  PetscCall(MatCreateShell(comm, n, columns, PETSC_DETERMINE, PETSC_DETERMINE, p, &p->L));
  PetscCall(MatShellSetOperation(p->L, MATOP_MULT, (void (*)(void))PredictionMult));
  PetscCall(MatShellSetOperation(p->L, MATOP_MULT_TRANSPOSE, (void (*)(void))PredictionMultTranspose));
  PetscFunctionReturn(0);
}

PetscErrorCode PredictionDestroy(Prediction *p)
{
  PetscFunctionBeginUser;
  PetscCall(MatDestroy(&p->L));
  PetscCall(MatDestroy(&p->B));
  PetscCall(MatDestroy(&p->D));
  PetscCall(VecDestroy(&p->u));
  PetscFunctionReturn(0);
}
