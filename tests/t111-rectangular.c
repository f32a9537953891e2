static char help[] = "Coloured differences for F_m of any shape and distribution.\n\n\
F(u, m) = u + u^3 + a S u - diag(1 + u) W e^m with a sparse rectangular W, so F_m = -diag(1 + u) W diag(e^m).\n";

#include "support/fixtures.h"

typedef struct {
  const char *name;
  PetscInt    Nu, Nm;
  int         state, parameter; /* who owns: -1 all ranks, 0 the first only, 1 the last only */
  PetscBool   fullrow;          /* one row reads every parameter, so that no two columns share a colour */
} Shape;

typedef struct {
  Mat  S, J, W, Fm;
  Vec  u, m, e, d, one;
  SNES snes;
  Dini dini;
} Rect;

/* (1 + u) elementwise into r->one */
static PetscErrorCode OnePlus(Rect *r, Vec u)
{
  PetscFunctionBeginUser;
  PetscCall(VecCopy(u, r->one));
  PetscCall(VecShift(r->one, 1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Rect *r = (Rect *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecCopy(r->m, r->e));
  PetscCall(VecExp(r->e));
  PetscCall(MatMult(r->W, r->e, r->d));
  PetscCall(OnePlus(r, u));
  PetscCall(VecPointwiseMult(r->d, r->d, r->one));
  PetscCall(MatMult(r->S, u, F));
  PetscCall(VecAXPBYPCZ(F, 1.0, -1.0, 1.0, u, r->d));
  PetscCall(VecPointwiseMult(r->d, u, u));
  PetscCall(VecPointwiseMult(r->d, r->d, u));
  PetscCall(VecAXPY(F, 1.0, r->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J = 1 + 3 u^2 - W e^m on the diagonal, and a S */
static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Rect *r = (Rect *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(VecCopy(r->m, r->e));
  PetscCall(VecExp(r->e));
  PetscCall(MatMult(r->W, r->e, r->one));
  PetscCall(VecPointwiseMult(r->d, u, u));
  PetscCall(VecAXPBY(r->d, -1.0, 3.0, r->one));
  PetscCall(VecShift(r->d, 1.0));
  PetscCall(MatCopy(r->S, P, SAME_NONZERO_PATTERN));
  PetscCall(MatDiagonalSet(P, r->d, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt Share(PetscInt N, int owner)
{
  PetscMPIInt rank, size;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (owner < 0) return N / size + (rank < N % size);
  return rank == (owner ? size - 1 : 0) ? N : 0;
}

static PetscErrorCode RectCreate(const Shape *shape, Rect *r)
{
  PetscInt lo, hi;
  KSP      ksp;
  PC       pc;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(r, sizeof(*r)));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, Share(shape->Nu, shape->state), shape->Nu, &r->u));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, Share(shape->Nm, shape->parameter), shape->Nm, &r->m));
  PetscCall(VecDuplicate(r->u, &r->d));
  PetscCall(VecDuplicate(r->u, &r->one));
  PetscCall(VecDuplicate(r->m, &r->e));
  PetscCall(DiniTestFill(r->m, 51));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, Share(shape->Nu, shape->state), Share(shape->Nu, shape->state), shape->Nu,
                         shape->Nu, 2, NULL, 1, NULL, &r->S));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, Share(shape->Nu, shape->state), Share(shape->Nm, shape->parameter),
                         shape->Nu, shape->Nm, shape->Nm, NULL, shape->Nm, NULL, &r->W));
  PetscCall(MatGetOwnershipRange(r->S, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(r->S, i, i, 0.0, INSERT_VALUES));
    if (i + 1 < shape->Nu) PetscCall(MatSetValue(r->S, i, i + 1, DiniTestScalar(0.4, 0.2), INSERT_VALUES));
    /* column j touches the rows 3 j, 3 j + 7, 3 j + 14 modulo Nu, so its owner is anyone; the last column is empty */
    for (PetscInt j = 0; j < shape->Nm - 1; j++)
      for (PetscInt k = 0; k < 3; k++)
        if ((3 * j + 7 * k) % shape->Nu == i || (shape->fullrow && !i))
          PetscCall(MatSetValue(r->W, i, j, 0.1 + 0.01 * (PetscReal)(i + 2 * j), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(r->S, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(r->S, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyBegin(r->W, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(r->W, MAT_FINAL_ASSEMBLY));
  PetscCall(MatScale(r->W, 0.1));
  PetscCall(MatDuplicate(r->S, MAT_COPY_VALUES, &r->J));
  PetscCall(MatDuplicate(r->W, MAT_DO_NOT_COPY_VALUES, &r->Fm));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &r->snes));
  PetscCall(SNESSetFunction(r->snes, NULL, Residual, r));
  PetscCall(SNESSetJacobian(r->snes, r->J, r->J, Jacobian, r));
  PetscCall(SNESSetTolerances(r->snes, 1e-13, 1e-13, 0.0, 50, 1000));
  PetscCall(SNESGetKSP(r->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(SNESSetFromOptions(r->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &r->dini));
  PetscCall(DiniSetSNES(r->dini, r->snes));
  PetscCall(DiniAddParameter(r->dini, "m", r->m, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RectDestroy(Rect *r)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&r->dini));
  PetscCall(SNESDestroy(&r->snes));
  PetscCall(MatDestroy(&r->S));
  PetscCall(MatDestroy(&r->J));
  PetscCall(MatDestroy(&r->W));
  PetscCall(MatDestroy(&r->Fm));
  PetscCall(VecDestroy(&r->u));
  PetscCall(VecDestroy(&r->m));
  PetscCall(VecDestroy(&r->e));
  PetscCall(VecDestroy(&r->d));
  PetscCall(VecDestroy(&r->one));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestShape(const Shape *shape, PetscBool dense)
{
  Rect r;
  Mat  exact;
  Vec  dm, ubar, du, mbar, du_ref, mbar_ref;

  PetscFunctionBeginUser;
  PetscCall(RectCreate(shape, &r));
  if (!dense) PetscCall(DiniSetParameterJacobian(r.dini, 0, r.Fm, NULL, NULL));
  PetscCall(DiniSetParameterDifference(r.dini, 0, DINI_DIFFERENCE_CENTRAL, PETSC_DEFAULT));
  PetscCall(DiniSetFromOptions(r.dini));
  PetscCall(DiniSolve(r.dini, r.u));
  PetscCall(DiniTestVec(r.m, 52, &dm));
  PetscCall(DiniTestVec(r.u, 53, &ubar));
  PetscCall(VecDuplicate(r.u, &du));
  PetscCall(VecDuplicate(r.m, &mbar));
  PetscCall(VecDuplicate(r.u, &du_ref));
  PetscCall(VecDuplicate(r.m, &mbar_ref));
  PetscCall(DiniJVP(r.dini, dm, du));
  PetscCall(DiniVJP(r.dini, ubar, mbar));
  PetscCall(MatDuplicate(r.W, MAT_COPY_VALUES, &exact));
  PetscCall(OnePlus(&r, r.u));
  PetscCall(VecScale(r.one, -1.0));
  PetscCall(VecCopy(r.m, r.e));
  PetscCall(VecExp(r.e));
  PetscCall(MatDiagonalScale(exact, r.one, r.e));
  PetscCall(Jacobian(NULL, r.u, r.J, r.J, &r));
  PetscCall(DiniTestReferenceJVP(r.J, exact, dm, du_ref));
  PetscCall(DiniTestReferenceVJP(r.J, exact, ubar, mbar_ref));
  PetscCall(DiniTestVecsClose(du, du_ref, 1e-8, shape->name));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-8, shape->name));
  PetscCall(MatDestroy(&exact));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&du_ref));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(RectDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A pattern of the wrong shape is refused with both sizes. */
static PetscErrorCode TestWrongShape(void)
{
  const Shape shape = {"wrong shape", 12, 5, -1, -1, PETSC_FALSE};
  Rect        r;
  Mat         wrong;
  Vec         ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(RectCreate(&shape, &r));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 12, 6, 2, NULL, 2, NULL, &wrong));
  PetscCall(MatAssemblyBegin(wrong, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(wrong, MAT_FINAL_ASSEMBLY));
  PetscCall(VecDuplicate(r.u, &ubar));
  PetscCall(VecDuplicate(r.m, &mbar));
  PetscCall(VecSet(ubar, 1.0));
  {
    PetscErrorCode ierr;

    /* refused when it is given, or when it is first needed */
    PetscCall(DiniTestCatch());
    ierr = DiniSetParameterJacobian(r.dini, 0, wrong, NULL, NULL);
    if (!ierr) ierr = DiniSolve(r.dini, r.u);
    if (!ierr) ierr = DiniVJP(r.dini, ubar, mbar);
    PetscCall(DiniTestCaught(ierr, PETSC_ERR_ARG_SIZ, "F_m of parameter \"m\"", "a pattern of the wrong shape",
                             __FILE__, __LINE__));
  }
  PetscCall(MatDestroy(&wrong));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(RectDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const Shape shapes[] = {{"few parameters", 12, 5, -1, -1, PETSC_FALSE},
                          {"many parameters", 12, 29, -1, -1, PETSC_FALSE},
                          {"parameters on the last rank", 12, 17, -1, 1, PETSC_FALSE},
                          {"parameters on the first rank", 12, 7, -1, 0, PETSC_FALSE},
                          {"state on the first rank", 12, 7, 0, -1, PETSC_FALSE},
                          {"state and parameters apart", 12, 7, 0, 1, PETSC_FALSE},
                          {"a row that reads all parameters", 12, 9, -1, -1, PETSC_TRUE},
                          {"one row, one parameter", 1, 2, -1, -1, PETSC_FALSE}};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t k = 0; k < sizeof(shapes) / sizeof(*shapes); k++) {
    PetscCall(TestShape(&shapes[k], PETSC_FALSE));
    PetscCall(TestShape(&shapes[k], PETSC_TRUE));
  }
  PetscCall(TestWrongShape());
  PetscCall(PetscFinalize());
  return 0;
}
