static char help[] =
    "The derivative of an obstacle problem.\n"
    "  A membrane under tension t and load f rests on an obstacle psi:\n"
    "    u >= psi,  -t Laplace(u) - f >= 0,  one of them with equality everywhere;  u = 0 on the boundary.\n"
    "  Parameters: the load and the obstacle, two fields, and the tension. Result: the mean of u.\n"
    "  Where the membrane touches, u moves with the obstacle; elsewhere as the tension and the load have it.\n"
    "  Try:  mpiexec -n 2 ./obstacle -da_refine 1 -snes_vi_monitor -dini_view\n\n";

#include <dini.h>
#include "membrane.h"

static PetscErrorCode Check(Membrane *, Dini, Vec, Vec);

int main(int argc, char **argv)
{
  Membrane membrane;
  Dini     dini;
  Vec      u, mean, gradient;
  PetscInt p, touching, N;
  IS       held;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(MembraneCreate(PETSC_COMM_WORLD, &membrane));
  PetscCall(VecDuplicate(membrane.load, &u));

  /* the SNES as it is; the obstacle is the Vec of its lower bound, and does not enter F */
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, membrane.snes));
  PetscCall(DiniAddParameter(dini, "load", membrane.load, &p));
  PetscCall(VecGetSize(u, &N));
  PetscCall(DiniSetParameterMaxColumns(dini, p, N)); /* F_load by differences: the grid is small */
  PetscCall(DiniAddParameter(dini, "obstacle", membrane.obstacle, &p));
  PetscCall(DiniSetParameterType(dini, p, DINIPARAMETERZERO));
  PetscCall(DiniAddScalarParameter(dini, "tension", &membrane.tension, NULL));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniGetActiveSet(dini, &held, NULL));
  PetscCall(ISGetSize(held, &touching));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "the membrane touches in %" PetscInt_FMT " of %" PetscInt_FMT " nodes\n",
                        touching, N));

  /* the gradient of the mean of u in all parameters: one adjoint solve */
  PetscCall(VecDuplicate(u, &mean));
  PetscCall(VecSet(mean, 1.0 / (PetscReal)N));
  PetscCall(DiniCreateParameterVec(dini, &gradient));
  PetscCall(DiniVJP(dini, mean, gradient));

  PetscCall(Check(&membrane, dini, u, gradient));

  PetscCall(VecDestroy(&gradient));
  PetscCall(VecDestroy(&mean));
  PetscCall(VecDestroy(&u));
  PetscCall(DiniDestroy(&dini));
  PetscCall(MembraneDestroy(&membrane));
  PetscCall(PetscFinalize());
  return 0;
}

/* u at m + h e by a solve without derivatives, from the obstacle */
static PetscErrorCode SolveAt(Membrane *membrane, Dini dini, Vec m, PetscReal h, Vec e, Vec u)
{
  Vec shifted;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(m, &shifted));
  PetscCall(VecWAXPY(shifted, h, e, m));
  PetscCall(DiniSetParameters(dini, shifted));
  PetscCall(VecCopy(membrane->obstacle, u));
  PetscCall(SNESSolve(membrane->snes, NULL, u));
  PetscCall(DiniSetParameters(dini, m));
  PetscCall(VecDestroy(&shifted));
  PetscFunctionReturn(0);
}

/* Every entry of the gradient against central differences of solves */
static PetscErrorCode CheckGradient(Membrane *membrane, Dini dini, Vec m, Vec gradient)
{
  const PetscReal h = 1e-5;
  Vec             e, plus, minus, differences;
  PetscInt        n, N;
  PetscReal       error, size;
  PetscScalar     mean;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(m, &e));
  PetscCall(VecDuplicate(m, &differences));
  PetscCall(VecDuplicate(membrane->load, &plus));
  PetscCall(VecDuplicate(membrane->load, &minus));
  PetscCall(VecGetSize(m, &n));
  PetscCall(VecGetSize(plus, &N));
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(VecSet(e, 0.0));
    PetscCall(VecSetValue(e, k, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(e));
    PetscCall(VecAssemblyEnd(e));
    PetscCall(SolveAt(membrane, dini, m, h, e, plus));
    PetscCall(SolveAt(membrane, dini, m, -h, e, minus));
    PetscCall(VecAXPY(plus, -1.0, minus));
    PetscCall(VecSum(plus, &mean));
    PetscCall(VecSetValue(differences, k, mean / (2.0 * h * (PetscReal)N), INSERT_VALUES));
    PetscCall(VecAssemblyBegin(differences));
    PetscCall(VecAssemblyEnd(differences));
  }
  PetscCall(VecNorm(gradient, NORM_INFINITY, &size));
  PetscCall(VecAXPY(differences, -1.0, gradient));
  PetscCall(VecNorm(differences, NORM_INFINITY, &error));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "gradient and differences of solves agree to %.0e relative in %" PetscInt_FMT " entries\n",
                        (double)PetscMax(1e-6, error / size), n));
  PetscCheck(error <= 1e-6 * size, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "The gradient is off by %g relative",
             (double)(error / size));
  PetscCall(VecDestroy(&e));
  PetscCall(VecDestroy(&differences));
  PetscCall(VecDestroy(&plus));
  PetscCall(VecDestroy(&minus));
  PetscFunctionReturn(0);
}

/* |u(m + h dm) - u(m) - h du| = O(h^2) as long as the contact set stays as it is */
static PetscErrorCode CheckTangent(Membrane *membrane, Dini dini, Vec m, Vec u)
{
  Vec       dm, du, shifted;
  PetscReal remainder[3], order;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(m, &dm));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecDuplicate(u, &shifted));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(DiniJVP(dini, dm, du));
  for (PetscInt k = 0; k < 3; k++) {
    const PetscReal h = 1e-3 / (PetscReal)(1 << k);

    PetscCall(SolveAt(membrane, dini, m, h, dm, shifted));
    PetscCall(VecAXPBYPCZ(shifted, -1.0, -h, 1.0, u, du));
    PetscCall(VecNorm(shifted, NORM_2, &remainder[k]));
  }
  order = PetscLogReal(remainder[1] / remainder[2]) / PetscLogReal(2.0);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "the remainder of the tangent is of order %.2f\n", (double)order));
  PetscCheck(order > 1.9 && order < 2.1, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "The tangent is wrong: remainders %g %g %g",
             (double)remainder[0], (double)remainder[1], (double)remainder[2]);
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&shifted));
  PetscFunctionReturn(0);
}

static PetscErrorCode Check(Membrane *membrane, Dini dini, Vec u, Vec gradient)
{
  IS       weak;
  PetscInt n;
  Vec      m;

  PetscFunctionBeginUser;
  PetscCall(DiniGetActiveSet(dini, NULL, &weak));
  PetscCall(ISGetSize(weak, &n));
  PetscCheck(!n, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "%" PetscInt_FMT " nodes are weakly active: no derivative to check",
             n);
  PetscCall(DiniCreateParameterVec(dini, &m));
  PetscCall(CheckTangent(membrane, dini, m, u));
  PetscCall(CheckGradient(membrane, dini, m, gradient));
  PetscCall(VecDestroy(&m));
  PetscFunctionReturn(0);
}
