static char help[] =
    "Scalars that live in the application's context: set, solved for and differentiated without a callback.\n";

#include "support/fixtures.h"

/* The value in the context is the same on every rank. */
static PetscErrorCode SameEverywhere(PetscScalar value, PetscScalar expected, const char what[])
{
  PetscReal d = PetscAbsScalar(value - expected);

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &d, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  DiniTestClose(d, 0.0, 0.0, 1e-15, what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dF/dPe and dF/ds as columns, from two residuals each: F is affine in both. */
static PetscErrorCode Columns(Transport *t, Mat *Fm)
{
  Vec          a, b;
  PetscScalar *values[2] = {&t->peclet, &t->reaction};
  PetscInt     local, N;
  PetscMPIInt  rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(VecGetLocalSize(t->u, &local));
  PetscCall(VecGetSize(t->u, &N));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, local, rank ? 0 : 2, N, 2, NULL, Fm));
  PetscCall(VecDuplicate(t->u, &a));
  for (PetscInt j = 0; j < 2; j++) {
    PetscCall(TransportResidual(t, t->u, a));
    *values[j] += 1.0;
    PetscCall(MatDenseGetColumnVecWrite(*Fm, j, &b));
    PetscCall(TransportResidual(t, t->u, b));
    PetscCall(VecAXPY(b, -1.0, a));
    PetscCall(MatDenseRestoreColumnVecWrite(*Fm, j, &b));
    *values[j] -= 1.0;
  }
  PetscCall(MatAssemblyBegin(*Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(VecDestroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestScalars(void)
{
  Transport   t;
  Mat         Fm;
  Vec         flat, ubar, mbar, du, mbar_ref, du_ref, lambda;
  PetscInt    p[2], N, local;
  PetscMPIInt rank;
  PetscScalar peclet, reaction;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(TransportCreate(7, 6, &t));
  peclet   = t.peclet;
  reaction = t.reaction;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &t.dini));
  PetscCall(DiniSetSNES(t.dini, t.snes));
  PetscCall(DiniAddScalarParameter(t.dini, "peclet", &t.peclet, &p[0]));
  PetscCall(DiniAddScalarParameter(t.dini, "reaction", &t.reaction, &p[1]));
  PetscCall(DiniSetFromOptions(t.dini));
  PetscCall(DiniCreateParameterVec(t.dini, &flat));
  PetscCall(VecGetSize(flat, &N));
  PetscCall(VecGetLocalSize(flat, &local));
  DiniTestCount(N, 2, "size of two scalars");
  PetscCheck(local == (rank ? 0 : 2), PETSC_COMM_SELF, PETSC_ERR_PLIB, "Scalars live on rank 0");
  if (!rank) {
    const PetscScalar *a;

    PetscCall(VecGetArrayRead(flat, &a));
    PetscCheck(a[0] == peclet && a[1] == reaction, PETSC_COMM_SELF, PETSC_ERR_PLIB, "Scalars are not read");
    PetscCall(VecRestoreArrayRead(flat, &a));
  }
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniTestVec(t.u, 71, &ubar));
  PetscCall(VecDuplicate(flat, &mbar));
  PetscCall(VecDuplicate(flat, &mbar_ref));
  PetscCall(VecDuplicate(t.u, &du));
  PetscCall(VecDuplicate(t.u, &du_ref));
  PetscCall(VecDuplicate(t.u, &lambda));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(SameEverywhere(t.peclet, peclet, "Peclet number after differences"));
  PetscCall(SameEverywhere(t.reaction, reaction, "reaction rate after differences"));
  PetscCall(DiniJVP(t.dini, flat, du));
  PetscCall(TransportJacobian(&t, t.u, t.J));
  PetscCall(Columns(&t, &Fm));
  PetscCall(DiniTestReferenceVJP(t.J, Fm, ubar, mbar_ref));
  PetscCall(DiniTestReferenceJVP(t.J, Fm, flat, du_ref));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-6, "VJP for scalars"));
  PetscCall(DiniTestVecsClose(du, du_ref, 1e-6, "JVP for scalars"));

  /* written through the flat vector: on every rank */
  PetscCall(VecScale(flat, 0.5));
  PetscCall(DiniSetParameters(t.dini, flat));
  PetscCall(SameEverywhere(t.peclet, 0.5 * peclet, "Peclet number after DiniSetParameters()"));
  PetscCall(SameEverywhere(t.reaction, 0.5 * reaction, "reaction rate after DiniSetParameters()"));

  /* written by the application: DiniSolve() reads it again, and the value of rank 0 counts */
  t.peclet   = rank ? -1e3 : peclet;
  t.reaction = reaction;
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(SameEverywhere(t.peclet, peclet, "Peclet number after DiniSolve()"));
  PetscCall(DiniVJP(t.dini, ubar, mbar_ref));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-9, "VJP at the old values"));
  PetscCall(DiniGetParameters(t.dini, flat));
  PetscCall(DiniSolve(t.dini, t.u));
  /* changed after the solve: refused by name, as for a Vec */
  t.peclet *= 2.0;
  DiniTestExpect(DiniVJP(t.dini, ubar, mbar), PETSC_ERR_ARG_WRONGSTATE, "\"peclet\"");
  t.peclet = peclet;
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-9, "VJP after a refused one"));
  PetscCall(MatDestroy(&Fm));
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&du_ref));
  PetscCall(VecDestroy(&lambda));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Affine by option: exact to rounding, so as near to the reference as the solver tolerance. Beside a field. */
static PetscErrorCode TestAffineBesideField(void)
{
  const char  options[] = "-dini_parameter_peclet_affine -dini_parameter_reaction_affine";
  Transport   t;
  Mat         Fm;
  Vec         ubar, mbar, part, mbar_ref;
  PetscInt    p[2];
  PetscScalar values[2] = {0.0, 0.0};

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(7, 6, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniAddScalarParameter(t.dini, "peclet", &t.peclet, &p[0]));
  PetscCall(DiniAddScalarParameter(t.dini, "reaction", &t.reaction, &p[1]));
  PetscCall(DiniSetFromOptions(t.dini));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniTestVec(t.u, 72, &ubar));
  PetscCall(DiniCreateParameterVec(t.dini, &mbar));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(DiniTestDotProduct(t.dini, 1e-9));
  PetscCall(TransportJacobian(&t, t.u, t.J));
  PetscCall(Columns(&t, &Fm));
  PetscCall(MatCreateVecs(Fm, &mbar_ref, NULL));
  PetscCall(DiniTestReferenceVJP(t.J, Fm, ubar, mbar_ref));
  for (int k = 0; k < 2; k++) {
    PetscCall(DiniGetParameterSubVec(t.dini, mbar, p[k], &part));
    PetscCall(VecSum(part, &values[k]));
    PetscCall(DiniRestoreParameterSubVec(t.dini, mbar, p[k], &part));
  }
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDuplicate(mbar_ref, &mbar));
  PetscCall(VecSetValue(mbar, 0, values[0], INSERT_VALUES));
  PetscCall(VecSetValue(mbar, 1, values[1], INSERT_VALUES));
  PetscCall(VecAssemblyBegin(mbar));
  PetscCall(VecAssemblyEnd(mbar));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-9, "VJP for affine scalars"));
  PetscCall(MatDestroy(&Fm));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestScalars());
  PetscCall(TestAffineBesideField());
  PetscCall(PetscFinalize());
  return 0;
}
