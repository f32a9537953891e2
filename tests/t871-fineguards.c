static char help[] = "A J, an F_m or a gradient of the objective that is wrong by little, in one entry or all over, "
                     "and what is right but noisy.\n";

#include "support/dinitest.h"

/*
  F_i = u_i + 0.2 u_i^3 + 0.1 u_{i-1} - exp(m_i) - noise * a rough function of u_i and m_i, in groups of three on a rank, with
  J and F_m by callbacks that are wrong by a relative fault, everywhere or in the first row of each group.
*/
typedef struct {
  PetscReal fault, noise, scale; /* scale: of m in exp(m), so of the state */
  PetscBool inJ, inFm, indJ, one;
  Vec       u, m, r;
  Mat       J, Fm;
  SNES      snes;
  Dini      dini;
} Fine;

static PetscReal Rough(PetscReal x)
{
  return PetscSinReal(1e14 * x);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Fine              *p = (Fine *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(p->m, &m));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < 3; i++) {
    f[i] = a[i] + 0.2 * a[i] * a[i] * a[i] + (i ? 0.1 * a[i - 1] : 0.0) - p->scale * PetscExpScalar(m[i]);
    if (p->noise > 0.0) f[i] += p->noise * Rough(PetscRealPart(a[i]) + PetscRealPart(m[i]));
  }
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(p->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Wrong(const Fine *p, PetscBool here, PetscInt i)
{
  return here && (!p->one || !i) ? 1.0 + p->fault : 1.0;
}

static PetscErrorCode FillJ(Fine *p, Vec u, Mat J)
{
  const PetscScalar *a;
  PetscInt           first;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(u, &first, NULL));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = 0; i < 3; i++) {
    PetscCall(MatSetValue(J, first + i, first + i, (1.0 + 0.6 * a[i] * a[i]) * Wrong(p, p->inJ, i), INSERT_VALUES));
    if (i) PetscCall(MatSetValue(J, first + i, first + i - 1, 0.1, INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolverJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(FillJ((Fine *)ctx, u, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GivenJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)P;
  PetscCall(FillJ((Fine *)ctx, u, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillFm(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  Fine              *p = (Fine *)ctx;
  const PetscScalar *b;
  PetscInt           first;

  PetscFunctionBeginUser;
  (void)dini, (void)u;
  PetscCall(VecGetOwnershipRange(m, &first, NULL));
  PetscCall(VecGetArrayRead(m, &b));
  for (PetscInt i = 0; i < 3; i++)
    PetscCall(
        MatSetValue(Fm, first + i, first + i, -p->scale * PetscExpScalar(b[i]) * Wrong(p, p->inFm, i), INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(m, &b));
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *J, void *ctx)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)dini, (void)ctx;
  PetscCall(VecNorm(u, NORM_2, &norm));
  *J = 0.25 * norm * norm * norm * norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Fine     *p = (Fine *)ctx;
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecNorm(u, NORM_2, &norm));
  PetscCall(VecCopy(u, dJdu));
  PetscCall(VecScale(dJdu, norm * norm * (p->indJ ? 1.0 + p->fault : 1.0)));
  PetscCall(VecSet(dJdm, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Fine *p, PetscBool given)
{
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, 3, PETSC_DETERMINE, &p->u));
  PetscCall(VecDuplicate(p->u, &p->m));
  PetscCall(VecDuplicate(p->u, &p->r));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, 3, 3, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 0, NULL, &p->J));
  PetscCall(MatDuplicate(p->J, MAT_DO_NOT_COPY_VALUES, &p->Fm));
  PetscCall(MatSetUp(p->J));
  PetscCall(MatSetUp(p->Fm));
  PetscCall(DiniTestFill(p->m, 3));
  PetscCall(VecShift(p->m, 0.5));
  PetscCall(VecRealPart(p->m));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &p->snes));
  PetscCall(SNESSetFunction(p->snes, p->r, Residual, p));
  PetscCall(SNESSetJacobian(p->snes, p->J, p->J, SolverJacobian, p));
  PetscCall(SNESSetTolerances(p->snes, p->noise > 0.0 ? 3.0 * p->noise : 1e-15 * p->scale,
                              p->noise > 0.0 ? 1e-6 : 1e-13, 0.0, 60, 1000));
  PetscCall(SNESGetKSP(p->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCBJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &p->dini));
  PetscCall(DiniSetSNES(p->dini, p->snes));
  if (given) PetscCall(DiniSetJacobian(p->dini, p->J, p->J, GivenJacobian, p));
  PetscCall(DiniAddParameter(p->dini, "m", p->m, NULL));
  PetscCall(DiniSetParameterJacobian(p->dini, 0, p->Fm, FillFm, p));
  PetscCall(DiniSetState(p->dini, p->u));
  PetscCall(DiniSetObjective(p->dini, Value, Gradient, p));
  if (p->noise > 0.0) PetscCall(DiniSetAttachTolerances(p->dini, 1e-4, PETSC_DEFAULT));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Fine *p)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&p->dini));
  PetscCall(SNESDestroy(&p->snes));
  PetscCall(MatDestroy(&p->J));
  PetscCall(MatDestroy(&p->Fm));
  PetscCall(VecDestroy(&p->u));
  PetscCall(VecDestroy(&p->m));
  PetscCall(VecDestroy(&p->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* words: of the refusal, or NULL where the gradient is right to rtol by what is said of it */
static PetscErrorCode Try(Fine *p, PetscBool given, const char words[], PetscReal claimed)
{
  Vec            mbar;
  DiniStatistics s;
  PetscReal      J;

  PetscFunctionBeginUser;
  PetscCall(Create(p, given));
  PetscCall(DiniCreateParameterVec(p->dini, &mbar));
  if (words) DiniTestExpect(DiniComputeObjectiveAndGradient(p->dini, p->m, &J, mbar), PETSC_ERR_ARG_WRONG, words);
  else {
    PetscCall(DiniComputeObjectiveAndGradient(p->dini, p->m, &J, mbar));
    PetscCall(DiniGetStatistics(p->dini, &s));
    DiniTestTrue(s.gradient_error >= 0.1 * claimed && s.gradient_error <= 10.0 * claimed + 1e-8,
                 "The error is said to be %g where %g is", (double)s.gradient_error, (double)claimed);
  }
  PetscCall(VecDestroy(&mbar));
  PetscCall(Destroy(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const PetscReal faults[] = {1e-4, 5e-6}, scales[] = {1.0, 1e-3};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int one = 0; one < 2; one++)
    for (int k = 0; k < 2; k++) {
      Fine inJ = {.fault = faults[k], .scale = scales[one], .inJ = PETSC_TRUE, .one = (PetscBool)one}, inFm = inJ,
           indJ = inJ;

      inFm.inJ = indJ.inJ = PETSC_FALSE;
      inFm.inFm = indJ.indJ = PETSC_TRUE;
      PetscCall(Try(&inJ, PETSC_TRUE, "The Jacobian is not dF/du", 0.0));
      PetscCall(Try(&inJ, PETSC_FALSE, NULL, 0.0)); /* of a SNES: differences in its place */
      PetscCall(Try(&inFm, PETSC_FALSE, "is not dF/dm", 0.0));
      PetscCall(Try(&indJ, PETSC_FALSE, "does not belong to its value callback", 0.0));
    }
  for (int k = 0; k < 3; k++) { /* what no guard refuses is said */
    Fine little = {.fault = 5e-7, .scale = 1.0};

    if (k == 0) little.inJ = PETSC_TRUE;
    else if (k == 1) little.inFm = PETSC_TRUE;
    else little.indJ = PETSC_TRUE;
    PetscCall(Try(&little, (PetscBool)(k == 0), NULL, little.fault));
  }
  for (int k = 0; k < 2; k++) { /* right, of a residual that is noisy */
    Fine noisy = {.scale = 1.0, .noise = k ? 1e-6 : 1e-9};

    PetscCall(Create(&noisy, PETSC_TRUE));
    PetscCall(VecCopy(noisy.m, noisy.u));
    PetscCall(DiniSolve(noisy.dini, noisy.u));
    PetscCall(DiniVJP(noisy.dini, noisy.u, noisy.r));
    PetscCall(Destroy(&noisy));
  }
  PetscCall(PetscFinalize());
  return 0;
}
