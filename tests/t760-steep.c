static char help[] =
    "Paths that are steep and go on, that have an infinite slope, and that run to a pole: none of them is a fold.\n";

#include "support/dinitest.h"

/* The first unknown of the first rank is y, with y^3 + epsilon y = m or, for a pole, m y = 1; the others are passive, w = m */
typedef struct {
  PetscBool   pole;
  PetscReal   epsilon;
  PetscScalar m;
  Mat         J;
  Vec         u;
  SNES        snes;
  Dini        dini;
} Steep;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Steep             *s = (Steep *)ctx;
  PetscInt           lo, hi;
  const PetscScalar *a;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < hi - lo; i++) {
    if (lo + i > 0) f[i] = 2.0 * (a[i] - s->m);
    else if (s->pole) f[i] = s->m * a[i] - 1.0;
    else f[i] = a[i] * a[i] * a[i] + s->epsilon * a[i] - s->m;
  }
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Steep             *s = (Steep *)ctx;
  PetscInt           lo, hi;
  const PetscScalar *a;

  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = lo; i < hi; i++)
    PetscCall(MatSetValue(J, i, i, i > 0 ? (PetscScalar)2.0 : (s->pole ? s->m : 3.0 * a[0] * a[0] + s->epsilon),
                          INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From m = start towards target, beginning near y */
static PetscErrorCode Follow(Steep *s, PetscReal start, PetscReal target, PetscReal y, PetscReal *reached,
                             DiniContinuationReason *reason)
{
  PetscInt p;
  KSP      ksp;
  PC       pc;

  PetscFunctionBeginUser;
  s->m = start;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, 2, 2, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &s->J));
  PetscCall(MatCreateVecs(s->J, &s->u, NULL));
  PetscCall(VecSet(s->u, y));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &s->snes));
  PetscCall(SNESSetFunction(s->snes, NULL, Residual, s));
  PetscCall(SNESSetJacobian(s->snes, s->J, s->J, Jacobian, s));
  PetscCall(SNESSetTolerances(s->snes, 1e-13, 1e-13, 1e-14, 50, 500));
  PetscCall(SNESGetKSP(s->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetSNES(s->dini, s->snes));
  PetscCall(DiniAddScalarParameter(s->dini, "m", &s->m, &p));
  PetscCall(DiniSetFromOptions(s->dini));
  PetscCall(DiniContinue(s->dini, p, target, s->u, reached, reason));
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(SNESDestroy(&s->snes));
  PetscCall(MatDestroy(&s->J));
  PetscCall(VecDestroy(&s->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steep, at 1/epsilon, and nothing more: the target is reached, from both sides */
static PetscErrorCode TestSteep(void)
{
  static const PetscReal epsilon[] = {1e-2, 1e-3, 1e-4, 1e-5};

  PetscFunctionBeginUser;
  for (int k = 0; k < 4; k++)
    for (int side = -1; side < 2; side += 2) {
      Steep                  s = {.epsilon = epsilon[k]};
      PetscReal              reached;
      DiniContinuationReason reason;
      const char            *text;

      PetscCall(Follow(&s, -(PetscReal)side, (PetscReal)side, -(PetscReal)side, &reached, &reason));
      PetscCall(DiniContinuationReasonString(reason, &text));
      DiniTestTrue(reason == DINI_CONTINUATION_TARGET, "epsilon = %g, side %d: %s at %g", (double)epsilon[k], side,
                   text, (double)reached);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An infinite slope at m = 0, and a pole there: something is said, at that place, and not that it is a fold */
static PetscErrorCode TestInfinite(void)
{
  PetscFunctionBeginUser;
  for (int pole = 0; pole < 2; pole++)
    for (int side = -1; side < 2; side += 2) {
      Steep                  s = {.pole = (PetscBool)pole};
      PetscReal              reached;
      DiniContinuationReason reason;
      const char            *text;

      PetscCall(Follow(&s, -(PetscReal)side, (PetscReal)side, -(PetscReal)side, &reached, &reason));
      PetscCall(DiniContinuationReasonString(reason, &text));
      DiniTestTrue(reason != DINI_CONTINUATION_FOLD && reason != DINI_CONTINUATION_TARGET && reason,
                   "%s, side %d: %s at %g", pole ? "a pole" : "an infinite slope", side, text, (double)reached);
      DiniTestTrue(PetscAbsReal(reached) < 2e-3, "%s, side %d: %s at %g", pole ? "a pole" : "an infinite slope", side,
                   text, (double)reached);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestSteep());
  PetscCall(TestInfinite());
  PetscCall(PetscFinalize());
  return 0;
}
