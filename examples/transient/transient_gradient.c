/* Prints the gradient. With -transient_check, compares it with tangents, and with differences of the TS's own solves. */
#include "transient_gradient.h"

enum { BLOCKS = 4 };
static const char *const names[BLOCKS] = {"Du", "Dv", "kill", "feed"};

/* A direction in one block: of the size of its values, and for the field not the same everywhere */
static PetscErrorCode Direction(Dini dini, PetscInt block, Vec dm)
{
  Vec      m, v;
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecSet(dm, 0.0));
  PetscCall(DiniGetParameter(dini, block, NULL, &m));
  PetscCall(DiniGetParameterSubVec(dini, dm, block, &v));
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    PetscCall(VecSetValue(v, i, 1.0 + 0.5 * PetscSinReal((PetscReal)i), INSERT_VALUES));
  PetscCall(VecAssemblyBegin(v));
  PetscCall(VecAssemblyEnd(v));
  PetscCall(VecPointwiseMult(v, v, m));
  PetscCall(DiniRestoreParameterSubVec(dini, dm, block, &v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The mean of v by central differences of fourth order along dm, each of a run of the TS from its start */
static PetscErrorCode Difference(Dini dini, Vec weights, Vec dm, PetscReal *slope)
{
  const PetscReal at[4] = {-2.0, -1.0, 1.0, 2.0}, coefficients[4] = {1.0 / 12.0, -2.0 / 3.0, 2.0 / 3.0, -1.0 / 12.0};
  const PetscReal h = 5e-4;
  Vec             m, shifted, u;
  PetscScalar     mean;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(dini, &m));
  PetscCall(VecDuplicate(m, &shifted));
  PetscCall(VecDuplicate(weights, &u));
  *slope = 0.0;
  for (PetscInt k = 0; k < 4; k++) {
    PetscCall(VecWAXPY(shifted, at[k] * h, dm, m));
    PetscCall(DiniSetParameters(dini, shifted));
    PetscCall(DiniSolve(dini, u));
    PetscCall(VecDot(u, weights, &mean));
    *slope += coefficients[k] * PetscRealPart(mean) / h;
  }
  PetscCall(DiniSetParameters(dini, m));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&shifted));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compare(const char name[], const char what[], PetscReal adjoint, PetscReal other, PetscReal rtol)
{
  const PetscReal error = PetscAbsReal(adjoint - other) / PetscMax(PetscAbsReal(other), 1e-12);

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %-5s by %-11s % .10e  relative difference %.1e\n", name, what,
                        (double)other, (double)error));
  PetscCheck(error <= rtol, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "Derivative by %s: adjoint %.10e, %s %.10e, relative difference %g", name, (double)adjoint, what,
             (double)other, (double)error);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransientReportGradient(Dini dini, Vec weights, Vec gradient)
{
  Vec         dm[BLOCKS], du;
  PetscReal   adjoint[BLOCKS], slope = 0.0;
  PetscScalar product;
  PetscBool   check = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-transient_check", &check, NULL));
  for (PetscInt b = 0; b < BLOCKS; b++) {
    PetscCall(VecDuplicate(gradient, &dm[b]));
    PetscCall(Direction(dini, b, dm[b]));
    PetscCall(VecDot(dm[b], gradient, &product));
    adjoint[b] = PetscRealPart(product);
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "d mean / d %-4s along %s of it = % .10e\n", names[b],
                          b == 3 ? "a part" : "all", (double)adjoint[b]));
  }
  PetscCall(VecDuplicate(weights, &du));
  for (PetscInt b = 0; b < BLOCKS && check; b++) {
    PetscCall(DiniJVP(dini, dm[b], du));
    PetscCall(VecDot(du, weights, &product));
    PetscCall(Compare(names[b], "tangent", adjoint[b], PetscRealPart(product), 1e-6));
  }
  for (PetscInt b = 0; b < BLOCKS && check; b++) { /* the point moves: derivatives come first */
    PetscCall(Difference(dini, weights, dm[b], &slope));
    PetscCall(Compare(names[b], "differences", adjoint[b], slope, 1e-5));
  }
  for (PetscInt b = 0; b < BLOCKS; b++) PetscCall(VecDestroy(&dm[b]));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}
