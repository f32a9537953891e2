/* Prints the gradient. With -cavity_check, compares it with tangents and with differences of solutions. */
#include "cavity_gradient.h"

enum { PARAMETERS = 3 };
static const char *const names[PARAMETERS] = {"lid_velocity", "prandtl", "grashof"};

/* The three entries of a parameter vector, on every rank */
static PetscErrorCode GetEntries(Vec m, PetscReal entries[PARAMETERS])
{
  const PetscScalar *array;
  VecScatter         scatter;
  Vec                all;

  PetscFunctionBeginUser;
  PetscCall(VecScatterCreateToAll(m, &scatter, &all));
  PetscCall(VecScatterBegin(scatter, m, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, m, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(all, &array));
  for (PetscInt i = 0; i < PARAMETERS; i++) entries[i] = PetscRealPart(array[i]);
  PetscCall(VecRestoreArrayRead(all, &array));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&all));
  PetscFunctionReturn(0);
}

/* The same derivatives by three tangents: weights . du for each parameter by itself */
static PetscErrorCode Tangents(Dini dini, Vec weights, Vec gradient, PetscReal tangents[PARAMETERS])
{
  Vec         dm, du;
  PetscScalar product;
  PetscInt    first, last;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(gradient, &dm));
  PetscCall(VecDuplicate(weights, &du));
  PetscCall(VecGetOwnershipRange(dm, &first, &last));
  for (PetscInt i = 0; i < PARAMETERS; i++) {
    PetscCall(VecZeroEntries(dm));
    if (i >= first && i < last) PetscCall(VecSetValue(dm, i, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(dm));
    PetscCall(VecAssemblyEnd(dm));
    PetscCall(DiniJVP(dini, dm, du));
    PetscCall(VecDot(du, weights, &product));
    tangents[i] = PetscRealPart(product);
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(0);
}

/* The number at the present parameters, solved for as the program does, from a fluid at rest and without Dini */
static PetscErrorCode SolveForNumber(SNES snes, Vec weights, PetscReal *number)
{
  Vec         u;
  PetscScalar product;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(weights, &u));
  PetscCall(VecZeroEntries(u));
  PetscCall(SNESSolve(snes, NULL, u));
  PetscCall(VecDot(u, weights, &product));
  PetscCall(VecDestroy(&u));
  *number = PetscRealPart(product);
  PetscFunctionReturn(0);
}

/* The same derivatives by central differences of fourth order, four tightly converged solutions for each parameter */
static PetscErrorCode Differences(SNES snes, PetscScalar *const parameters[PARAMETERS], Vec weights,
                                  PetscReal differences[PARAMETERS])
{
  const PetscReal at[4] = {-2.0, -1.0, 1.0, 2.0}, coefficients[4] = {1.0 / 12.0, -2.0 / 3.0, 2.0 / 3.0, -1.0 / 12.0};
  PetscReal       atol, rtol, stol, number = 0.0;
  PetscInt        maxit, maxf;

  PetscFunctionBeginUser;
  PetscCall(SNESGetTolerances(snes, &atol, &rtol, &stol, &maxit, &maxf));
  PetscCall(SNESSetTolerances(snes, atol, 1.0e-11, 1.0e-13, maxit, maxf));
  for (PetscInt i = 0; i < PARAMETERS; i++) {
    const PetscScalar value = *parameters[i];
    const PetscReal   step  = value == 0.0 ? 1.0 : 0.01 * PetscAbsScalar(value);

    differences[i] = 0.0;
    for (PetscInt k = 0; k < 4; k++) {
      *parameters[i] = value + at[k] * step;
      PetscCall(SolveForNumber(snes, weights, &number));
      differences[i] += coefficients[k] * number / step;
    }
    *parameters[i] = value;
  }
  PetscCall(SNESSetTolerances(snes, atol, rtol, stol, maxit, maxf));
  PetscFunctionReturn(0);
}

/* Errors are relative to the derivative, or to a thousandth of number / parameter where the derivative is smaller. */
static PetscErrorCode Compare(const PetscReal adjoint[], const PetscReal other[], const PetscReal least[],
                              const char what[], PetscReal rtol)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < PARAMETERS; i++) {
    const PetscReal error = PetscAbsReal(adjoint[i] - other[i]) / PetscMax(PetscAbsReal(other[i]), least[i]);

    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %-12s  by %-11s % .10e  relative difference %.1e\n", names[i], what,
                          (double)other[i], (double)error));
    PetscCheck(error <= rtol, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
               "Derivative by %s: adjoint %.10e, %s %.10e, relative difference %g exceeds %g", names[i],
               (double)adjoint[i], what, (double)other[i], (double)error, (double)rtol);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode CavityReportGradient(Cavity *cavity, Dini dini, Vec u, Vec weights, Vec gradient)
{
  PetscScalar *const parameters[PARAMETERS] = {&cavity->lid_velocity, &cavity->prandtl, &cavity->grashof};
  PetscReal          adjoint[PARAMETERS], other[PARAMETERS], least[PARAMETERS];
  PetscScalar        number;
  PetscBool          check = PETSC_FALSE;
  SNES               snes;

  PetscFunctionBeginUser;
  PetscCall(GetEntries(gradient, adjoint));
  for (PetscInt i = 0; i < PARAMETERS; i++)
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "d %s / d %s = %.10e\n", CavityNumbers[cavity->number], names[i],
                          (double)adjoint[i]));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-cavity_check", &check, NULL));
  if (!check) PetscFunctionReturn(0);

  PetscCall(VecDot(u, weights, &number));
  for (PetscInt i = 0; i < PARAMETERS; i++)
    least[i] = 1.0e-3 * PetscAbsScalar(*parameters[i] == 0.0 ? number : number / *parameters[i]);
  PetscCall(Tangents(dini, weights, gradient, other));
  PetscCall(Compare(adjoint, other, least, "tangent", 1.0e-6));
  PetscCall(DiniGetSNES(dini, &snes));
  PetscCall(Differences(snes, parameters, weights, other));
  PetscCall(Compare(adjoint, other, least, "differences", 1.0e-6));
  PetscFunctionReturn(0);
}
