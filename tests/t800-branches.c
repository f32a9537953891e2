static char help[] =
    "What derivatives rest on is written to by others: two Dinis on one SNES, with one J and one F_m, and everything that may\n\
move them. Derivatives are those of the closed form, each time.\n";

#include "support/roots.h"
#include <petsc/private/petscimpl.h> /* object states */

/* Two roots, one SNES, one J, one F_m; in turns, and by pinned derivatives */
static PetscErrorCode TestBranches(RootsKind kind)
{
  const PetscReal roots[2] = {2.0, -3.0};
  Roots           r;
  Dini            dini[2];
  Vec             u[2], v, w;
  Mat             D[2];
  DiniStatistics  s;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(kind, &r));
  for (int k = 0; k < 2; k++) PetscCall(RootsBranch(&r, 1.2 * roots[k], PETSC_TRUE, &dini[k], &u[k]));
  for (int round = 0; round < 2; round++)
    for (int k = 0; k < 2; k++) PetscCall(RootsCheck(&r, dini[k], roots[k], "two Dinis on one SNES"));
  PetscCall(DiniGetStatistics(dini[0], &s));
  DiniTestTrue(s.relinearizations >= 2, "%" PetscInt_FMT " matrices made again", s.relinearizations);
  DiniTestCount(s.linearizations, 1, "points");

  PetscCall(VecDuplicate(r.m, &v));
  PetscCall(VecDuplicate(r.m, &w));
  PetscCall(VecSet(v, 1.0));
  for (int k = 0; k < 2; k++) PetscCall(DiniCreateDerivative(dini[k], DINI_ALL_PARAMETERS, &D[k]));
  for (int round = 0; round < 2; round++)
    for (int k = 0; k < 2; k++) {
      PetscCall(MatMultTranspose(D[k], v, w));
      PetscCall(RootsExpect(w, RootsSlope(roots[k]), "pinned, two Dinis on one SNES"));
      PetscCall(MatMult(D[k], v, w));
      PetscCall(RootsExpect(w, RootsSlope(roots[k]), "pinned tangent, two Dinis on one SNES"));
    }
  for (int k = 0; k < 2; k++) {
    PetscCall(MatDestroy(&D[k]));
    PetscCall(DiniDestroy(&dini[k]));
    PetscCall(VecDestroy(&u[k]));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Everybody who may write into J or F_m; and nothing is made again where nobody does */
static PetscErrorCode TestMovers(RootsKind kind)
{
  Roots          r, other;
  Dini           dini;
  Vec            u, elsewhere;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate(kind, &r));
  PetscCall(RootsCreate(kind, &other));
  PetscCall(RootsBranch(&r, 2.5, PETSC_TRUE, &dini, &u));
  PetscCall(RootsCheck(&r, dini, 2.0, "alone"));
  PetscCall(RootsCheck(&r, dini, 2.0, "alone, again"));
  PetscCall(DiniGetStatistics(dini, &s));
  DiniTestCount(s.relinearizations, 0, "matrices made again where nobody has written");
  DiniTestCount(r.fills, 1, "fills of F_m where nobody has written");
  PetscCall(VecDuplicate(u, &elsewhere));
  PetscCall(VecSet(elsewhere, 17.0));
  if (kind != ROOTS_SHELL) { /* by hand */
    PetscCall(MatScale(r.J, 3.0));
    PetscCall(RootsCheck(&r, dini, 2.0, "after MatScale() of J"));
    if (kind == ROOTS_NEST) PetscCall(MatShift(r.B, 1.0));
    else PetscCall(MatZeroEntries(r.J));
    PetscCall(RootsCheck(&r, dini, 2.0, "after a block of J, or all of it, was overwritten"));
  }
  PetscCall(MatScale(r.Fm, 3.0));
  PetscCall(RootsCheck(&r, dini, 2.0, "after MatScale() of F_m"));
  if (kind == ROOTS_SHELL) PetscCall(PetscObjectStateIncrease((PetscObject)r.J)); /* as a callback of a shell has to */
  PetscCall(SNESComputeJacobian(r.snes, elsewhere, r.J, r.J));
  PetscCall(RootsCheck(&r, dini, 2.0, "after SNESComputeJacobian() elsewhere"));
  if (kind == ROOTS_AIJ) { /* another relation's SNES, with the same matrix */
    PetscCall(MatDestroy(&other.J));
    PetscCall(PetscObjectReference((PetscObject)r.J));
    other.J = r.J;
    other.c = 20.0;
    PetscCall(SNESSetJacobian(other.snes, r.J, r.J, RootsJacobian, &other));
    PetscCall(SNESSolve(other.snes, NULL, elsewhere));
    PetscCall(RootsCheck(&r, dini, 2.0, "after a solve by another SNES with the same matrix"));
  }
  PetscCall(DiniGetStatistics(dini, &s));
  DiniTestTrue(s.relinearizations >= 2, "%" PetscInt_FMT " matrices made again", s.relinearizations);
  PetscCall(VecDestroy(&elsewhere));
  PetscCall(VecDestroy(&u));
  PetscCall(DiniDestroy(&dini));
  PetscCall(RootsDestroy(&r));
  PetscCall(RootsDestroy(&other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int kind = ROOTS_AIJ; kind <= ROOTS_SHELL; kind++) {
    PetscCall(TestBranches((RootsKind)kind));
    PetscCall(TestMovers((RootsKind)kind));
  }
  PetscCall(PetscFinalize());
  return 0;
}
