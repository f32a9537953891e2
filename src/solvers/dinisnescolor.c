/*
  An assembled J for a SNES whose own is matrix-free: adjoint solves need J^H, which differences of F do not give. The DM
  knows the pattern; the values come from coloured differences at the solution.
*/
#include "../private/diniimpl.h"
#include <petscdm.h>

static PetscErrorCode DiniColorFunction(void *snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBegin;
  (void)ctx;
  PetscCall(SNESComputeFunction((SNES)snes, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreateColoring(DM dm, Mat *J, MatFDColoring *difference)
{
  MatColoring coloring;
  ISColoring  colors;

  PetscFunctionBegin;
  PetscCall(DMCreateMatrix(dm, J));
  PetscCall(MatColoringCreate(*J, &coloring));
  PetscCall(MatColoringSetType(coloring, MATCOLORINGGREEDY));
  PetscCall(MatColoringApply(coloring, &colors));
  PetscCall(MatColoringDestroy(&coloring));
  PetscCall(MatFDColoringCreate(*J, colors, difference));
  PetscCall(MatFDColoringSetFunction(*difference, DiniColoringCast(DiniColorFunction), NULL));
  PetscCall(MatFDColoringSetUp(*J, colors, *difference));
  PetscCall(ISColoringDestroy(&colors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J at u; pattern and colouring are made once and kept by the caller. *J stays NULL where no DM could make a matrix. */
PetscErrorCode DiniColorJacobian_SNES(Dini dini, SNES snes, Vec u, Mat *J, MatFDColoring *difference)
{
  DM        dm;
  PetscBool shell;
  Vec       F;

  PetscFunctionBegin;
  PetscCall(SNESGetDM(snes, &dm));
  PetscCall(PetscObjectTypeCompare((PetscObject)dm, DMSHELL, &shell));
  if (shell) PetscFunctionReturn(PETSC_SUCCESS);
  if (!*J) PetscCall(DiniCreateColoring(dm, J, difference));
  PetscCall(VecDuplicate(u, &F));
  PetscCall(SNESComputeFunction(snes, u, F));
  PetscCall(MatFDColoringSetF(*difference, F));
  PetscCall(MatFDColoringApply(*J, *difference, u, snes));
  PetscCall(VecDestroy(&F));
  dini->stats.jacobian_assemblies++;
  PetscCall(
      PetscInfo(dini, "The SNES applies its Jacobian matrix-free: assembled by coloured differences for adjoints\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}
