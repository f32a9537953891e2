static char help[] =
    "Auxiliary outputs in the application's context: never differentiated, and where they are right.\n";

#include "support/fixtures.h"

/* What the application wants beside u: sum of u^2 + sum of m. Written by whoever is told to. */
typedef struct {
  Cubic      *c;
  PetscScalar total;
  PetscInt    written;
} Auxiliary;

static PetscErrorCode Write(Auxiliary *a, Vec u)
{
  PetscScalar square, sum;

  PetscFunctionBeginUser;
  PetscCall(VecTDot(u, u, &square));
  PetscCall(VecSum(a->c->m, &sum));
  a->total = square + sum;
  a->written++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Auxiliary *a = (Auxiliary *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(CubicResidual(a->c, u, F));
  PetscCall(Write(a, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InSolve(Dini dini, Vec u, void *ctx)
{
  Auxiliary *a = (Auxiliary *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(SNESSolve(a->c->snes, NULL, u));
  PetscCall(Write(a, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InMonitor(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  Vec u;

  PetscFunctionBeginUser;
  (void)its;
  (void)rnorm;
  if (operation != DINI_OPERATION_FORWARD) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGetSolution(dini, &u));
  if (u) PetscCall(Write((Auxiliary *)ctx, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Expected(Auxiliary *a, Vec u, PetscScalar *total)
{
  Auxiliary copy = *a;

  PetscFunctionBeginUser;
  PetscCall(Write(&copy, u));
  *total = copy.total;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Same(PetscScalar a, PetscScalar b, PetscReal rtol, const char what[])
{
  PetscFunctionBeginUser;
  DiniTestTrue(PetscAbsScalar(a - b) <= rtol * PetscAbsScalar(b), "%s: %g off", what, (double)PetscAbsScalar(a - b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef enum { NOWHERE, RESIDUAL, SOLVE, MONITOR, NPLACES } Place;

/* mbar with outputs written at this place; they are of the solution after DiniSolve(), and from then on as said */
static PetscErrorCode TestPlace(Place place, PetscInt n, Vec *mbar)
{
  Cubic          c;
  Auxiliary      a = {&c, 0.0, 0};
  Vec            ubar, du, F;
  PetscScalar    expected = 0.0;
  DiniStatistics before, after;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(n, DiniTestScalar(0.5, 0.2), &c));
  PetscCall(CubicDini(&c, DINISNES, NULL));
  PetscCall(SNESSetTolerances(c.snes, 1e-13, 1e-13, 0.0, 50, 1000));
  if (place == RESIDUAL) PetscCall(SNESSetFunction(c.snes, NULL, InResidual, &a));
  if (place == SOLVE) PetscCall(DiniSetSolve(c.dini, InSolve, &a));
  if (place == MONITOR) PetscCall(DiniMonitorSet(c.dini, InMonitor, &a, NULL));
  PetscCall(DiniTestVec(c.u, 51, &ubar));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.u, &F));
  PetscCall(VecDuplicate(c.m, mbar));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Expected(&a, c.u, &expected));
  if (place != NOWHERE) PetscCall(Same(a.total, expected, 1e-14, "auxiliary output after the solve"));
  PetscCall(DiniVJP(c.dini, ubar, *mbar));
  PetscCall(DiniJVP(c.dini, *mbar, du));
  /* the guards have called the residual beside the point, so that what it wrote is of another point */
  if (place == RESIDUAL) {
    DiniTestTrue(PetscAbsScalar(a.total - expected) > 0.0, "The guards left the output of the residual alone");
    PetscCall(DiniGetStatistics(c.dini, &before));
    PetscCall(DiniComputeResidual(c.dini, c.u, F));
    PetscCall(Same(a.total, expected, 1e-14, "auxiliary output after DiniComputeResidual()"));
    PetscCall(DiniVJP(c.dini, ubar, *mbar)); /* which has cost no linearization */
    PetscCall(DiniGetStatistics(c.dini, &after));
    DiniTestCount(after.linearizations, before.linearizations, "linearizations after DiniComputeResidual()");
    DiniTestCount(after.parameter_assemblies, before.parameter_assemblies, "fills after DiniComputeResidual()");
  }
  if (place == SOLVE || place == MONITOR) { /* written by the solve alone, derivatives or not */
    DiniTestCount(a.written, 1, "writes in one solve");
    PetscCall(Same(a.total, expected, 1e-14, "auxiliary output after derivatives"));
  }
  PetscCall(VecScale(c.m, 0.5));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Expected(&a, c.u, &expected));
  if (place != NOWHERE) PetscCall(Same(a.total, expected, 1e-14, "auxiliary output of the second point"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&F));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (PetscInt n = 1; n <= 9; n += 8) {
    Vec mbar[NPLACES];

    for (int place = 0; place < NPLACES; place++) PetscCall(TestPlace((Place)place, n, &mbar[place]));
    for (int place = 1; place < NPLACES; place++)
      PetscCall(DiniTestVecsClose(mbar[place], mbar[NOWHERE], 1e-9, "the derivative knows nothing of the outputs"));
    for (int place = 0; place < NPLACES; place++) PetscCall(VecDestroy(&mbar[place]));
  }
  PetscCall(PetscFinalize());
  return 0;
}
