static char help[] =
    "The callback of one block of parameters writes into the F_m of another one: that is filled again before anybody multiplies with\n\
it, whichever derivative comes first; callbacks that do so to each other are refused.\n";

#include "support/dinitest.h"

#define N 3 /* unknowns of a rank */

/* F = 2 u - q - 3 s, entry by entry */
typedef struct {
  Mat       J, Fm[2];
  Vec       u, m[2];
  PetscBool spoils[2]; /* the fill of one block scales the matrix of the other one */
  Dini      dini;
} Sides;

static const PetscScalar factor[2] = {1.0, 3.0};

static PetscErrorCode Residual(Dini dini, Vec u, Vec F, void *ctx)
{
  Sides *s = (Sides *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(u, F));
  PetscCall(VecScale(F, 2.0));
  for (int k = 0; k < 2; k++) PetscCall(VecAXPY(F, -factor[k], s->m[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(Dini dini, Vec u, void *ctx)
{
  Sides *s = (Sides *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecSet(u, 0.0));
  for (int k = 0; k < 2; k++) PetscCall(VecAXPY(u, 0.5 * factor[k], s->m[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Diagonal(Mat A, PetscScalar d)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(A, i, i, d, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)P;
  (void)ctx;
  PetscCall(Diagonal(J, 2.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  Sides *s = (Sides *)ctx;
  int    k = Fm == s->Fm[1];

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)m;
  PetscCall(Diagonal(Fm, -factor[k]));
  if (s->spoils[k]) PetscCall(MatScale(s->Fm[!k], 5.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SidesCreate(Sides *s)
{
  Mat *all[3] = {&s->J, &s->Fm[0], &s->Fm[1]};

  PetscFunctionBeginUser;
  for (int k = 0; k < 3; k++) {
    PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, N, N, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, all[k]));
    PetscCall(Diagonal(*all[k], 1.0));
  }
  PetscCall(MatCreateVecs(s->J, &s->u, &s->m[0]));
  PetscCall(VecDuplicate(s->u, &s->m[1]));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetType(s->dini, DINISHELL));
  PetscCall(DiniSetResidual(s->dini, Residual, s));
  PetscCall(DiniSetJacobian(s->dini, s->J, s->J, Jacobian, s));
  PetscCall(DiniSetSolve(s->dini, Solve, s));
  for (PetscInt k = 0; k < 2; k++) {
    PetscInt p;

    PetscCall(DiniTestFill(s->m[k], 7 + k));
    PetscCall(DiniAddParameter(s->dini, k ? "s" : "q", s->m[k], &p));
    PetscCall(DiniSetParameterJacobian(s->dini, p, s->Fm[k], Fill, s));
  }
  PetscCall(DiniSetFromOptions(s->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SidesDestroy(Sides *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(MatDestroy(&s->J));
  PetscCall(VecDestroy(&s->u));
  for (int k = 0; k < 2; k++) {
    PetscCall(MatDestroy(&s->Fm[k]));
    PetscCall(VecDestroy(&s->m[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At a new point, the first derivative: du = (q + 3 s) / 2 for dm = (q, s), and the dot product with its adjoint */
static PetscErrorCode Test(Sides *s, PetscBool adjoint)
{
  Vec         dm, du, ubar, mbar, part, expected;
  PetscScalar left, right;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) PetscCall(VecShift(s->m[k], 0.25));
  PetscCall(DiniSolve(s->dini, s->u));
  PetscCall(DiniCreateParameterVec(s->dini, &dm));
  PetscCall(DiniTestFill(dm, 3));
  PetscCall(VecDuplicate(dm, &mbar));
  PetscCall(DiniTestVec(s->u, 4, &ubar));
  PetscCall(VecDuplicate(s->u, &du));
  PetscCall(VecDuplicate(s->u, &expected));
  PetscCall(VecSet(expected, 0.0));
  for (PetscInt k = 0; k < 2; k++) {
    PetscCall(DiniGetParameterSubVec(s->dini, dm, k, &part));
    PetscCall(VecAXPY(expected, 0.5 * factor[k], part));
    PetscCall(DiniRestoreParameterSubVec(s->dini, dm, k, &part));
  }
  if (adjoint) {
    PetscCall(DiniVJP(s->dini, ubar, mbar));
    PetscCall(VecDot(dm, mbar, &left));
    PetscCall(VecDot(expected, ubar, &right));
    DiniTestClose(PetscAbsScalar(left - right), 0.0, 0.0, 1e-12, "<dm, mbar> - <du, ubar>");
  } else {
    PetscCall(DiniJVP(s->dini, dm, du));
    PetscCall(DiniTestVecsClose(du, expected, 1e-12, "du"));
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int k = 0; k < 2; k++)
    for (int adjoint = 0; adjoint < 2; adjoint++) {
      Sides s = {.spoils = {(PetscBool)(k == 0), (PetscBool)(k == 1)}};

      PetscCall(SidesCreate(&s));
      for (int point = 0; point < 3; point++) PetscCall(Test(&s, (PetscBool)adjoint));
      PetscCall(SidesDestroy(&s));
    }
  {
    Sides s = {.spoils = {PETSC_TRUE, PETSC_TRUE}};

    PetscCall(SidesCreate(&s));
    DiniTestExpect(Test(&s, PETSC_FALSE), PETSC_ERR_ARG_WRONG, "writes into both");
    PetscCall(DiniTestForgiveLeaks());
    PetscCall(SidesDestroy(&s));
  }
  PetscCall(PetscFinalize());
  return 0;
}
