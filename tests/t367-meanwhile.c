static char help[] =
    "Somebody writes into J or F_m while an adjoint solve is under way, on all ranks or on one: the gradient is that of the matrices\n\
of the point, which are made again, though one reduction before the solve and one after it is all that a VJP asks of the ranks.\n";

#include <petsc/private/petscimpl.h>
#include "support/fixtures.h"

typedef enum { QUIET, INTO_J, INTO_FM, INTO_FM_ONE, INTO_FM_ALWAYS, WRITES } Write;

typedef struct {
  Transport t;
  Write     write;
  PetscInt  times, most; /* calls that have written, and how many may */
} Bench;

/* The numbers of the last rank alone, and their state there */
static PetscErrorCode ScaleOne(Mat A)
{
  PetscMPIInt rank, size;
  Mat         part = A;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (rank != size - 1) PetscFunctionReturn(PETSC_SUCCESS);
  if (size > 1) PetscCall(MatMPIAIJGetSeqAIJ(A, &part, NULL, NULL));
  PetscCall(MatScale(part, 2.0));
  PetscCall(PetscObjectStateIncrease((PetscObject)A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Monitor(KSP ksp, PetscInt it, PetscReal rnorm, void *ctx)
{
  Bench *b = (Bench *)ctx;

  PetscFunctionBeginUser;
  (void)ksp;
  (void)rnorm;
  if (it != 1 || (b->times++ && b->write != INTO_FM_ALWAYS)) PetscFunctionReturn(PETSC_SUCCESS);
  if (b->write == INTO_J) PetscCall(MatScale(b->t.J, 1.5));
  if (b->write == INTO_FM || b->write == INTO_FM_ALWAYS) PetscCall(MatScale(b->t.Fm, 2.0));
  if (b->write == INTO_FM_ONE) PetscCall(ScaleOne(b->t.Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dini's own monitor is shown a linearization: the J that it has written into is made again before anybody solves with it */
static PetscErrorCode Shown(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  Bench *b = (Bench *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)its;
  (void)rnorm;
  if (operation != DINI_OPERATION_LINEARIZE || b->times >= b->most) PetscFunctionReturn(PETSC_SUCCESS);
  b->times++;
  PetscCall(MatScale(b->t.J, 2.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A pinned derivative linearizes where it solves: not for ever */
static PetscErrorCode TestShownPinned(Bench *b, Vec g)
{
  Mat D;
  Vec dm, du;

  PetscFunctionBeginUser;
  PetscCall(DiniSolve(b->t.dini, b->t.u));
  PetscCall(DiniCreateDerivative(b->t.dini, b->t.p, &D));
  for (int k = 0; k < 2; k++) { /* newer PETSc leaves dm locked after an error */
    PetscCall(VecDuplicate(b->t.m, &dm));
    PetscCall(VecDuplicate(g, &du));
    PetscCall(VecSet(dm, 1.0));
    DiniTestExpect(MatMult(D, dm, du), PETSC_ERR_ARG_WRONGSTATE, "right after each linearization");
    PetscCall(VecDestroy(&dm));
    PetscCall(VecDestroy(&du));
  }
  PetscCall(MatDestroy(&D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestShown(Bench *b, Vec g)
{
  Vec mbar, expected;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(b->t.m, &mbar));
  PetscCall(VecDuplicate(b->t.m, &expected));
  PetscCall(DiniMonitorSet(b->t.dini, Shown, b, NULL));
  b->write = QUIET;
  for (b->most = 0; b->most < 2; b->most++) {
    b->times = 0;
    PetscCall(VecShift(b->t.m, 0.05));
    PetscCall(DiniSolve(b->t.dini, b->t.u));
    PetscCall(DiniVJP(b->t.dini, g, mbar));
    DiniTestCount(b->times, b->most, "times that the monitor has written into J");
    PetscCall(TransportReferenceVJP(&b->t, g, expected));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-7, "mbar, with a monitor that writes into J"));
  }
  b->most  = 1000;
  b->times = 0;
  PetscCall(DiniSolve(b->t.dini, b->t.u));
  DiniTestExpect(DiniVJP(b->t.dini, g, mbar), PETSC_ERR_ARG_WRONGSTATE, "writes into the Jacobian each time");
  PetscCall(TestShownPinned(b, g));
  PetscCall(DiniMonitorCancel(b->t.dini));
  DiniTestExpect(DiniVJP(b->t.dini, g, g), PETSC_ERR_ARG_IDN, "are the same Vec");
  DiniTestExpect(DiniJVP(b->t.dini, g, g), PETSC_ERR_ARG_IDN, "are the same Vec");
  PetscCall(DiniVJP(b->t.dini, g, mbar));
  PetscCall(TransportReferenceVJP(&b->t, g, expected));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-7, "mbar, after all that"));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(Bench *b, Vec g, Vec expected)
{
  DiniStatistics was, is;
  Vec            mbar;

  PetscFunctionBeginUser;
  b->times = 0;
  PetscCall(DiniGetStatistics(b->t.dini, &was));
  PetscCall(VecDuplicate(expected, &mbar));
  PetscCall(DiniVJP(b->t.dini, g, mbar));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-7, "mbar, with somebody writing meanwhile"));
  PetscCall(DiniGetStatistics(b->t.dini, &is));
  DiniTestTrue(b->times > 0, "The monitor has not been called");
  DiniTestCount(is.relinearizations - was.relinearizations, b->write == QUIET ? 0 : 1, "matrices made again");
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Bench b = {0};
  KSP   ksp;
  Vec   g, expected;

  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TransportCreate(9, 7, &b.t));
  PetscCall(TransportDini(&b.t, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(b.t.dini, b.t.u));
  PetscCall(DiniTestVec(b.t.u, 1, &g));
  PetscCall(VecDuplicate(b.t.m, &expected));
  PetscCall(DiniVJP(b.t.dini, g, expected));
  PetscCall(TransportReferenceVJP(&b.t, g, expected));
  PetscCall(DiniGetAdjointKSP(b.t.dini, &ksp));
  PetscCall(KSPMonitorSet(ksp, Monitor, &b, NULL));
  for (int write = QUIET; write < WRITES; write++) {
    b.write = (Write)write;
    PetscCall(VecScale(g, -2.0)); /* another one, or it would be recalled */
    PetscCall(VecScale(expected, -2.0));
    PetscCall(Test(&b, g, expected));
  }
  PetscCall(KSPMonitorCancel(ksp));
  PetscCall(TestShown(&b, g));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&expected));
  PetscCall(TransportDestroy(&b.t));
  PetscCall(PetscFinalize());
  return 0;
}
