static char help[] =
    "Vectors of the wrong size, distribution or communicator, for every argument, on all ranks without a hang.\n";

#include "support/fixtures.h"

/* Two parameter blocks, so that flat vector and state have unlike sizes: 9 and 10. */
static PetscErrorCode Create(Cubic *c, Vec *s)
{
  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.3), c));
  PetscCall(CubicDini(c, DINISNES, DINIPARAMETERRHS));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 1, s));
  PetscCall(DiniAddParameter(c->dini, "s", *s, NULL));
  PetscCall(DiniSetParameterType(c->dini, 1, DINIPARAMETERZERO));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every call with one argument replaced. state, flat: right ones; bad: the wrong one, of whatever kind. */
static PetscErrorCode TestAll(Dini dini, Vec state, Vec flat, Vec bad, PetscErrorCode code, const char words[])
{
  Vec part;

  PetscFunctionBeginUser;
  DiniTestExpect(DiniJVP(dini, bad, state), code, words);
  DiniTestExpect(DiniJVP(dini, flat, bad), code, words);
  DiniTestExpect(DiniVJP(dini, bad, flat), code, words);
  DiniTestExpect(DiniVJP(dini, state, bad), code, words);
  DiniTestExpect(DiniTangentSolve(dini, bad, state), code, words);
  DiniTestExpect(DiniTangentSolve(dini, state, bad), code, words);
  DiniTestExpect(DiniAdjointSolve(dini, bad, state), code, words);
  DiniTestExpect(DiniAdjointSolve(dini, state, bad), code, words);
  DiniTestExpect(DiniComputeResidual(dini, bad, state), code, words);
  DiniTestExpect(DiniComputeResidual(dini, state, bad), code, words);
  DiniTestExpect(DiniSetParameters(dini, bad), code, words);
  DiniTestExpect(DiniGetParameters(dini, bad), code, words);
  DiniTestExpect(DiniGetParameterSubVec(dini, bad, 0, &part), code, words);
  DiniTestExpect(DiniAttach(dini, bad), code, words);
  DiniTestExpect(DiniSolve(dini, bad), code, words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Serves(Cubic *c, Vec ubar, Vec flat)
{
  Vec part;
  Mat J;

  PetscFunctionBeginUser;
  PetscCall(DiniSolve(c->dini, c->u));
  PetscCall(DiniVJP(c->dini, ubar, flat));
  PetscCall(MatDuplicate(c->S, MAT_DO_NOT_COPY_VALUES, &J));
  PetscCall(CubicJacobian(c, c->u, J));
  PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, ubar, c->d));
  PetscCall(MatDestroy(&J));
  PetscCall(DiniGetParameterSubVec(c->dini, flat, c->p, &part));
  PetscCall(DiniTestVecsClose(part, c->d, 1e-9, "VJP after wrong layouts"));
  PetscCall(DiniRestoreParameterSubVec(c->dini, flat, c->p, &part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestLayouts(void)
{
  Cubic       c;
  Vec         s, ubar, flat, state, bad;
  PetscMPIInt rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(Create(&c, &s));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 1, &ubar));
  PetscCall(VecDuplicate(c.u, &state));
  PetscCall(DiniCreateParameterVec(c.dini, &flat));
  PetscCall(Serves(&c, ubar, flat));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 17, &bad)); /* another size */
  PetscCall(TestAll(c.dini, state, flat, bad, PETSC_ERR_ARG_SIZ, "17"));
  PetscCall(VecDestroy(&bad));
  PetscCall(Serves(&c, ubar, flat));
  /* flat and state mixed up */
  DiniTestExpect(DiniJVP(c.dini, state, state), PETSC_ERR_ARG_SIZ, "10");
  DiniTestExpect(DiniVJP(c.dini, flat, flat), PETSC_ERR_ARG_SIZ, "10");
  if (size > 1) {
    /* the right global size, all of it on the last rank */
    PetscCall(VecCreateMPI(PETSC_COMM_WORLD, rank == size - 1 ? 9 : 0, 9, &bad));
    PetscCall(VecSet(bad, 1.0));
    DiniTestExpect(DiniVJP(c.dini, bad, flat), PETSC_ERR_ARG_SIZ, "");
    DiniTestExpect(DiniJVP(c.dini, flat, bad), PETSC_ERR_ARG_SIZ, "");
    DiniTestExpect(DiniAttach(c.dini, bad), PETSC_ERR_ARG_SIZ, "");
    DiniTestExpect(DiniSolve(c.dini, bad), PETSC_ERR_ARG_SIZ, "");
    PetscCall(VecDestroy(&bad));
    /* a sequential vector on each rank */
    PetscCall(VecCreateSeq(PETSC_COMM_SELF, 9, &bad));
    PetscCall(VecSet(bad, 1.0));
    DiniTestExpectAny(DiniVJP(c.dini, bad, flat), "communicator");
    DiniTestExpectAny(DiniJVP(c.dini, flat, bad), "communicator");
    PetscCall(VecDestroy(&bad));
  }
  PetscCall(Serves(&c, ubar, flat));
  DiniTestExpectAny(DiniVJP(c.dini, NULL, flat), "");
  DiniTestExpectAny(DiniVJP(c.dini, ubar, NULL), "");
  PetscCall(Serves(&c, ubar, flat));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&state));
  PetscCall(VecDestroy(&s));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Input and output the same vector, or the state or the block itself: right or an error. */
static PetscErrorCode TestAliases(void)
{
  Cubic          c;
  Vec            x, y;
  PetscBool      right;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSolve(c.dini, c.u));
  for (int k = 0; k < 4; k++) {
    PetscCall(DiniTestVec(c.u, 2, &x));
    PetscCall(DiniTestVec(c.u, 2, &y));
    PetscCall(VecScale(y, 0.25));
    PetscCall(DiniTestCatch());
    if (k == 0) ierr = DiniVJP(c.dini, x, x);
    else if (k == 1) ierr = DiniJVP(c.dini, x, x);
    else if (k == 2) ierr = DiniTangentSolve(c.dini, x, x);
    else ierr = DiniAdjointSolve(c.dini, x, x);
    PetscCall(DiniTestRightOrError(ierr, x, y, 1e-9, "input and output the same vector", &right));
    PetscCall(VecDestroy(&x));
    PetscCall(VecDestroy(&y));
  }
  /* the state as a direction, the block as a direction: both only read */
  PetscCall(VecDuplicate(c.u, &x));
  PetscCall(VecDuplicate(c.u, &y));
  PetscCall(DiniVJP(c.dini, c.u, x));
  PetscCall(VecSet(y, 0.25));
  PetscCall(DiniTestVecsClose(x, y, 1e-9, "VJP of the state itself"));
  PetscCall(DiniJVP(c.dini, c.m, x));
  PetscCall(VecSet(y, 0.5));
  PetscCall(DiniTestVecsClose(x, y, 1e-9, "JVP of the block itself"));
  /* the state as a result: the point is gone, and that is noticed */
  PetscCall(VecSet(x, 1.0));
  PetscCall(DiniTestCatch());
  ierr = DiniJVP(c.dini, x, c.u);
  if (!ierr) ierr = DiniJVP(c.dini, x, y);
  PetscCall(DiniTestCaught(ierr, 0, "", "a derivative written over the state", __FILE__, __LINE__));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestLayouts());
  PetscCall(TestAliases());
  PetscCall(PetscFinalize());
  return 0;
}
