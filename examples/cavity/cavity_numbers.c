/* The numbers that the program is run for, as weights of the unknowns, and the report. */
#include "cavity_physics.h"

const char *const CavityNumbers[] = {"nusselt", "nusselt_cold", "drag", "CavityNumber", "CAVITY_", NULL};

/* Index within a node */
enum { PSI, OMEGA, T };

/* Nu = -integral of T_x over a side wall: one-sided differences of second order, trapezoidal rule */
static void SideWallWeights(DMDALocalInfo *info, PetscInt wall, PetscScalar ***w)
{
  const PetscReal hx = 1.0 / (info->mx - 1), hy = 1.0 / (info->my - 1), d[3] = {1.5, -2.0, 0.5};

  for (PetscInt j = info->ys; j < info->ys + info->ym; j++) {
    const PetscReal part = j == 0 || j == info->my - 1 ? 0.5 * hy : hy;

    for (PetscInt n = 0; n < 3; n++) {
      const PetscInt i = wall == 0 ? n : wall - n;

      if (i >= info->xs && i < info->xs + info->xm) w[j][i][T] = (wall == 0 ? 1.0 : -1.0) * part * d[n] / hx;
    }
  }
}

/* Drag = integral of u_y over the lid, where u_y = -omega */
static void LidWeights(DMDALocalInfo *info, PetscScalar ***w)
{
  const PetscReal hx = 1.0 / (info->mx - 1);

  if (info->ys + info->ym < info->my) return;
  for (PetscInt i = PetscMax(info->xs, 1); i < PetscMin(info->xs + info->xm, info->mx - 1); i++)
    w[info->my - 1][i][OMEGA] = -hx;
}

PetscErrorCode CavityCreateWeights(const Cavity *cavity, CavityNumber number, Vec *weights)
{
  DMDALocalInfo  info;
  PetscScalar ***w;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(cavity->da, &info));
  PetscCall(DMCreateGlobalVector(cavity->da, weights));
  PetscCall(DMDAVecGetArrayDOF(cavity->da, *weights, &w));
  if (number == CAVITY_NUSSELT) SideWallWeights(&info, 0, w);
  else if (number == CAVITY_NUSSELT_COLD) SideWallWeights(&info, info.mx - 1, w);
  else LidWeights(&info, w);
  PetscCall(DMDAVecRestoreArrayDOF(cavity->da, *weights, &w));
  PetscFunctionReturn(0);
}

static PetscErrorCode CavityGetNumber(const Cavity *cavity, CavityNumber number, Vec u, PetscReal *value)
{
  Vec         weights;
  PetscScalar product;

  PetscFunctionBeginUser;
  PetscCall(CavityCreateWeights(cavity, number, &weights));
  PetscCall(VecDot(u, weights, &product));
  PetscCall(VecDestroy(&weights));
  *value = PetscRealPart(product);
  PetscFunctionReturn(0);
}

/* Prints the number and checks the solution: the heat that comes in through the hot wall leaves through the cold one. */
PetscErrorCode CavityReport(const Cavity *cavity, Vec u, PetscScalar number)
{
  const PetscReal value = PetscRealPart(number);
  PetscReal       in, out, circulation;

  PetscFunctionBeginUser;
  PetscCall(CavityGetNumber(cavity, CAVITY_NUSSELT, u, &in));
  PetscCall(CavityGetNumber(cavity, CAVITY_NUSSELT_COLD, u, &out));
  PetscCall(VecStrideNorm(u, PSI, NORM_INFINITY, &circulation));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s = %.8f  (heat in %.4f, out %.4f, circulation %.4f)\n",
                        CavityNumbers[cavity->number], (double)value, (double)in, (double)out, (double)circulation));
  PetscCheck(PetscAbsReal(in - out) <= 0.1 * PetscMax(PetscAbsReal(in), PetscAbsReal(out)), PETSC_COMM_WORLD,
             PETSC_ERR_PLIB,
             "Heat in, %g, and heat out, %g, differ by more than 10 per cent: refine the grid, -da_refine 1",
             (double)in, (double)out);
  PetscCheck(cavity->expect == 0.0 || PetscAbsReal(value / cavity->expect - 1.0) <= 0.01, PETSC_COMM_WORLD,
             PETSC_ERR_PLIB, "%s = %g is more than 1 per cent off the expected %g", CavityNumbers[cavity->number],
             (double)value, (double)cavity->expect);
  PetscFunctionReturn(0);
}
