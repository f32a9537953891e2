static char help[] =
    "Heat and flow in a square cavity with a moving lid, stationary. Option prefix -cavity_.\n"
    "  Stream function psi, vorticity omega, temperature T; u = psi_y, v = -psi_x:\n"
    "    -Laplace(psi) = omega\n"
    "    -Laplace(omega) + u omega_x + v omega_y = Gr T_x\n"
    "    -Laplace(T) + Pr (u T_x + v T_y) = 0\n"
    "  Walls at rest but for the lid, u = lid velocity; T = 1 left, 0 right, T_y = 0 on floor and lid.\n"
    "  Prints a number of the solution, -cavity_number: heat through the hot wall (nusselt) or drag on the lid "
    "(drag);\n"
    "  cavity_dini also prints its gradient with respect to lid velocity, Prandtl and Grashof number.\n"
    "  Try:  mpiexec -n 2 ./cavity_dini -da_refine 1 -pc_type lu -cavity_number drag -cavity_check -dini_view\n\n";

#include "cavity_gradient.h"

int main(int argc, char **argv)
{
  Cavity         cavity;
  SNES           snes;
  SNESLineSearch linesearch;
  Dini           dini;
  Vec            u, weights, gradient;
  PetscScalar    number;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(CavityCreate(PETSC_COMM_WORLD, &cavity));
  PetscCall(CavityCreateWeights(&cavity, cavity.number, &weights));
  PetscCall(DMCreateGlobalVector(cavity.da, &u));

  /* Newton with full steps; the Jacobian by coloured differences, which SNES does by itself on a DMDA */
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetDM(snes, cavity.da));
  PetscCall(SNESGetLineSearch(snes, &linesearch));
  PetscCall(SNESLineSearchSetType(linesearch, SNESLINESEARCHNONE));
  PetscCall(SNESSetErrorIfNotConverged(snes, PETSC_TRUE));
  PetscCall(SNESSetFromOptions(snes));

  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddScalarParameter(dini, "lid_velocity", &cavity.lid_velocity, NULL));
  PetscCall(DiniAddScalarParameter(dini, "prandtl", &cavity.prandtl, NULL));
  PetscCall(DiniAddScalarParameter(dini, "grashof", &cavity.grashof, NULL));
  PetscCall(DiniSetFromOptions(dini));

  PetscCall(DiniSolve(dini, u));
  PetscCall(VecDot(u, weights, &number));
  PetscCall(CavityReport(&cavity, u, number));

  PetscCall(DiniCreateParameterVec(dini, &gradient));
  PetscCall(DiniVJP(dini, weights, gradient));
  PetscCall(CavityReportGradient(&cavity, dini, u, weights, gradient));

  PetscCall(VecDestroy(&gradient));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&weights));
  PetscCall(CavityDestroy(&cavity));
  PetscCall(PetscFinalize());
  return 0;
}
