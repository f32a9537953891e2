/* What a call has of the engine for itself: vectors to work in, and tolerances. */
#include "../private/diniengineimpl.h"

PetscErrorCode DiniEngineWork_Private(DiniEngine e, Vec *work[DINI_MAX_WORK], int *n)
{

  PetscFunctionBegin;
  work[(*n)++] = &e->b;
  work[(*n)++] = &e->e;
  work[(*n)++] = &e->c;
  work[(*n)++] = &e->projected;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniKSPs(DiniEngine e, int d, KSP all[3])
{
  PetscFunctionBegin;
  all[0] = e->ksp[d];
  all[1] = e->gmres[d];
  all[2] = d == DINI_ADJOINT ? e->companion : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* KSPs whose tolerance is the one that Dini has derived from its own follow; one that the user has set stays. */
PetscErrorCode DiniEngineRenewKSPs_Private(DiniEngine e, DiniDirection direction, PetscReal from, PetscReal to)
{
  KSP all[3];

  PetscFunctionBegin;
  PetscCall(DiniKSPs(e, (int)direction, all));
  for (int k = 0; k < 3; k++) {
    PetscReal rtol;

    if (!all[k]) continue;
    PetscCall(KSPGetTolerances(all[k], &rtol, NULL, NULL, NULL));
    if (rtol != 0.5 * from) continue;
    PetscCall(KSPSetTolerances(all[k], 0.5 * to, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Until DiniEngineRestoreTolerances_Private(); 0 is the user's own */
PetscErrorCode DiniEngineUseTolerances_Private(DiniEngine e, PetscReal tangent, PetscReal adjoint,
                                               DiniTolerances *before)
{

  PetscFunctionBegin;
  for (int d = 0; d < 2; d++) {
    const PetscReal asked = d == DINI_TANGENT ? tangent : adjoint, rtol = asked > 0.0 ? asked : e->asked[d];

    before->rtol[d] = e->rtol[d];
    PetscCall(DiniKSPs(e, d, before->ksp[d]));
    for (int k = 0; k < 3; k++) {
      KSP ksp = before->ksp[d][k];

      if (!ksp) continue;
      PetscCall(KSPGetTolerances(ksp, &before->kspas[d][k], NULL, NULL, NULL));
      if (rtol != e->rtol[d]) PetscCall(KSPSetTolerances(ksp, 0.5 * rtol, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    }
    e->rtol[d] = rtol;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* KSPs have what they had before. One made in between has read the user's options, or follows Dini's tolerance. */
PetscErrorCode DiniEngineRestoreTolerances_Private(DiniEngine e, const DiniTolerances *before)
{

  PetscFunctionBegin;
  for (int d = 0; d < 2; d++) {
    KSP all[3];

    PetscCall(DiniKSPs(e, d, all));
    for (int k = 0; k < 3; k++) {
      PetscReal rtol;

      if (!all[k]) continue;
      PetscCall(KSPGetTolerances(all[k], &rtol, NULL, NULL, NULL));
      if (all[k] == before->ksp[d][k]) rtol = before->kspas[d][k];
      else if (rtol == 0.5 * e->rtol[d]) rtol = 0.5 * before->rtol[d];
      PetscCall(KSPSetTolerances(all[k], rtol, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    }
    e->rtol[d] = before->rtol[d];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
