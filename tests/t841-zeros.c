static char help[] = "Derivatives that are zero at a point, rightly, and blocks that F never reads.\n";

#include "support/sourced.h"

/* Zero at the first point, and something else at the next */
static PetscErrorCode TestLegitimate(SourcedKind kind, PetscScalar source, PetscScalar m)
{
  Sourced p;

  PetscFunctionBeginUser;
  PetscCall(SourcedCreate(kind, source, m, &p));
  PetscCall(SourcedAt(&p, source, m));
  PetscCall(SourcedRight(&p, "where F_m is zero"));
  PetscCall(SourcedAt(&p, 2.0, 0.5));
  PetscCall(SourcedRight(&p, "where it is not"));
  PetscCall(SourcedAt(&p, source, m));
  PetscCall(SourcedRight(&p, "where F_m is zero again"));
  PetscCall(SourcedDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A block that F never reads is still found, zero state or not */
static PetscErrorCode TestNothing(PetscScalar source)
{
  Sourced p;
  Vec     ones, mbar;

  PetscFunctionBeginUser;
  PetscCall(SourcedCreate(NOTHING, source, 0.3, &p));
  PetscCall(SourcedAt(&p, source, 0.3));
  PetscCall(VecDuplicate(p.u, &ones));
  PetscCall(VecSet(ones, 1.0));
  PetscCall(DiniCreateParameterVec(p.dini, &mbar));
  DiniTestExpect(DiniVJP(p.dini, ones, mbar), PETSC_ERR_ARG_WRONG, "F does not change with it, neither here nor at");
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&mbar));
  PetscCall(SourcedDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Blocks without an entry: alone among zeros, they are derivatives of size zero */
static PetscErrorCode TestEmpty(void)
{
  Sourced p;
  Vec     empty;

  PetscFunctionBeginUser;
  PetscCall(SourcedCreate(FACTOR, 1.0, 0.1, &p));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 0, &empty));
  PetscCall(DiniAddParameter(p.dini, "empty", empty, NULL));
  PetscCall(SourcedAt(&p, 1.0, 0.1));
  PetscCall(SourcedRight(&p, "beside a block of size zero"));
  PetscCall(VecDestroy(&empty));
  PetscCall(SourcedDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestLegitimate(SQUARE, 1.0, 0.0));
  PetscCall(TestLegitimate(CUBE, 1.0, 0.0));
  PetscCall(TestLegitimate(COEFFICIENT, 0.0, 0.5));
  PetscCall(TestLegitimate(COEFFICIENT, 0.0, 0.0));
  PetscCall(TestNothing(0.0));
  PetscCall(TestNothing(1.0));
  PetscCall(TestEmpty());
  PetscCall(PetscFinalize());
  return 0;
}
