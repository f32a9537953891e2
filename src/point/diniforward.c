/*
  The preconditioner of one forward solve kept for the next, when asked: -dini_reuse_forward.

  The same online rule as for derivatives: rebuilt once the iterations spent beyond those after a set-up have cost as much as
  the set-up. A solve that fails with a kept preconditioner is done again with a new one, and is no failure.
*/
#include "../private/diniimpl.h"

/* PETSc scales A in place for it and leaves it so: what derivatives would be taken of is another system. */
PetscErrorCode DiniRefuseDiagonalScale_Private(Dini dini, KSP ksp)
{
  PetscBool scale, back;

  PetscFunctionBegin;
  PetscCall(DiniGetDiagonalScale(ksp, &scale, &back));
  PetscCheck(
      !scale || back, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "%s: -ksp_diagonal_scale (KSPSetDiagonalScale()) leaves the matrix of the application scaled after the solve, so "
      "it is no longer that of A u = b; add -ksp_diagonal_scale_fix, or take -pc_type jacobi in its place",
      DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Shall this solve keep the PC that there is? A preonly solver has nothing but its PC, which must be that of its matrix. */
PetscErrorCode DiniForwardKeeps_Private(Dini dini, KSP ksp, PetscBool *keep)
{
  DiniForwardReuse *r = &dini->forward;
  PetscReal         mine[2], all[2];
  PetscBool         preonly;

  PetscFunctionBegin;
  *keep = PETSC_FALSE;
  if (!dini->reuseforward || !r->built) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompare((PetscObject)ksp, KSPPREONLY, &preonly));
  if (preonly) PetscFunctionReturn(PETSC_SUCCESS);
  mine[0] = r->extra;
  mine[1] = r->setup;
  PetscCall(MPIU_Allreduce(mine, all, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  *keep = (PetscBool)(all[0] <= all[1]);
  PetscCall(PetscInfo(dini, "The forward preconditioner is %s: %g s in extra iterations, a set-up costs %g s\n",
                      *keep ? "kept" : "built again", (double)all[0], (double)all[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a solve: linear iterations in all, and the seconds of its set-ups (0 when kept) and iterations */
PetscErrorCode DiniForwardSpent_Private(Dini dini, PetscBool kept, PetscInt its, PetscReal setup, PetscReal seconds)
{
  DiniForwardReuse *r = &dini->forward;

  PetscFunctionBegin;
  if (kept) {
    const PetscReal each = dini->testseconds[0] > 0.0 ? dini->testseconds[0] : seconds / (PetscReal)PetscMax(its, 1);

    dini->stats.forward_kept++;
    if (its > r->its) r->extra += each * (PetscReal)(its - r->its);
  } else {
    r->built = PETSC_TRUE;
    r->its   = its;
    r->setup = dini->testseconds[1] > 0.0 ? dini->testseconds[1] : setup;
    r->extra = 0.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses whether forward solves keep the preconditioner of the one before.
  @level{intermediate}

  Logically Collective. For sequences of solves at parameters that change little, as in an optimisation: a set-up is saved
  until the extra iterations have cost as much. Solvers of type preonly are left alone.

  @param[in] dini  the Dini, of type snes or ksp
  @param[in] reuse PETSC_TRUE to keep it, initially PETSC_FALSE
  @return 0 or a PETSc error code

  Options: `-dini_reuse_forward`.

  @see DiniSetReuse(), DiniSetPredict()
*/
PetscErrorCode DiniSetForwardReuse(Dini dini, PetscBool reuse)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  dini->reuseforward = reuse;
  if (!reuse) dini->forward.built = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
