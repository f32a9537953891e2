/* Several objectives of one state: their gradients by one block of adjoint solves. */
#include "../private/diniimpl.h"

static PetscErrorCode DiniGradients(Dini dini, Mat G)
{
  Mat            Ubar, Jm;
  Vec            dJdu, dJdm, flat;
  PetscInt       n, N, count = dini->nobjectives;
  PetscBool      good   = PETSC_FALSE;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(DiniCreateParameterVec(dini, &flat));
  PetscCall(VecGetLocalSize(flat, &n));
  PetscCall(VecGetSize(flat, &N));
  PetscCall(VecDestroy(&flat));
  PetscCall(MatCreateDense(PetscObjectComm((PetscObject)dini), dini->n, PETSC_DECIDE, dini->N, count, NULL, &Ubar));
  PetscCall(MatCreateDense(PetscObjectComm((PetscObject)dini), n, PETSC_DECIDE, N, count, NULL, &Jm));
  PetscCall(VecDuplicate(dini->u, &dJdu));
  for (PetscInt o = 0; o < count && !failed; o++) {
    PetscCall(MatDenseGetColumnVecWrite(Jm, o, &dJdm));
    failed = DiniObjectivePartials_Private(dini, dini->objectives[o], dJdu, dJdm);
    PetscCall(MatDenseRestoreColumnVecWrite(Jm, o, &dJdm));
    if (!failed) failed = DiniSetColumn_Private(Ubar, o, PETSC_FALSE, dJdu);
  }
  dini->cotangents = dini->objectives;
  if (!failed) failed = DiniMatVJP_Private(dini, DINI_ADJOINT_HERMITIAN, Ubar, G, &good);
  dini->cotangents = NULL;
  for (PetscInt o = 0; o < count && !failed && good; o++) {
    PetscCall(DiniGetColumn_Private(Ubar, o, dJdu)); /* the state may be a nest */
    PetscCall(MatDenseGetColumnVecRead(Jm, o, &dJdm));
    failed = DiniObjectiveGuard_Private(dini, dini->objectives[o], dJdu, dJdm);
    PetscCall(MatDenseRestoreColumnVecRead(Jm, o, &dJdm));
  }
  PetscCall(VecDestroy(&dJdu));
  if (!failed) failed = MatAXPY(G, 1.0, Jm, SAME_NONZERO_PATTERN);
  PetscCall(MatDestroy(&Ubar));
  PetscCall(MatDestroy(&Jm));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Computes the objectives of DiniAddObjective() at m, and their reduced gradients.
  @level{intermediate}

  Collective. One forward solve, unless the state belongs to m already, and one block of adjoint solves.

  @param[in]  dini   the Dini, with DiniSetState() and DiniAddObjective()
  @param[in]  m      flat parameter vector
  @param[out] values the objectives, an array of as many reals as there are
  @param[out] G      their gradients: a dense matrix with rows laid out as a flat parameter vector and a column for each;
                     NULL when not wanted
  @return 0 or a PETSc error code; PETSC_ERR_ORDER without an objective or a state, PETSC_ERR_NOT_CONVERGED when a solve
          fails, whatever DiniSetErrorIfNotConverged() says

  @see DiniComputeObjectiveAndGradient(), DiniMatVJP()
*/
PetscErrorCode DiniComputeObjectives(Dini dini, Vec m, PetscReal values[], Mat G)
{
  const PetscBool policy = dini->erroriffail;
  PetscErrorCode  failed = PETSC_SUCCESS;
  PetscBool       converged;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(dini->nobjectives > 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: There are no objectives; call DiniAddObjective()", DiniLabel_Private(dini));
  dini->erroriffail = PETSC_TRUE;
  failed            = DiniSolveAt_Private(dini, m, PETSC_FALSE, &converged);
  for (PetscInt o = 0; o < dini->nobjectives && !failed; o++)
    failed = DiniObjectiveValue_Private(dini, dini->objectives[o], &values[o]);
  if (G && !failed) failed = DiniGradients(dini, G);
  dini->verified    = PETSC_FALSE;
  dini->erroriffail = policy;
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
