/* Tao drives the parameters: any first-order type, from the options database. */
#include "../private/diniimpl.h"

/*
  A trial point at which the forward or the adjoint solve fails is outside the domain of the objective. Tao's Armijo searches know what to
  do about an infinite value, but More-Thuente, the default, interpolates with it and is left with a step of zero. A value
  ten times the last good one makes all of them shorten the step, again and again where need be. An optimisation that can
  not even start is an error.
*/
static PetscErrorCode DiniTaoObjectiveAndGradient(Tao tao, Vec m, PetscReal *f, Vec g, void *ctx)
{
  Dini      dini = (Dini)ctx;
  PetscReal last = dini->lastvalue;

  PetscFunctionBegin;
  (void)tao;
  PetscCall(DiniEvaluate_Private(dini, m, (PetscBool)(dini->stats.forward_solves > 0), f, g));
  if (PetscIsInfOrNanReal(*f)) {
    *f = last + 9.0 * (last != 0.0 ? PetscAbsReal(last) : 1.0);
    PetscCall(PetscInfo(dini, "A solve failed at a trial point: the line search gets the value %g\n", (double)*f));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTaoObjective(Tao tao, Vec m, PetscReal *f, void *ctx)
{
  PetscFunctionBegin;
  PetscCall(DiniTaoObjectiveAndGradient(tao, m, f, NULL, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Lets a Tao minimise the objective of a Dini over its active parameters.

  Collective. Sets the Tao's objective and gradient and, unless it has one, its solution: a flat parameter vector with the
  current values. Any first-order type then works from the options database, `-tao_type blmvm` for one. A forward solve that
  fails at a trial point gives the line search a value ten times the last good one, so that it shortens its step, and the
  state is put back.

  @param[in] dini the Dini, with DiniSetState() and DiniSetObjective()
  @param[in] tao  the optimiser; it keeps a reference to the Dini
  @return 0 or a PETSc error code

  Options: those of Tao.
*/
PetscErrorCode DiniSetTao(Dini dini, Tao tao)
{
  Vec m;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(tao, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "DiniSetTao() got no Tao");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)tao, "The Tao"));
  PetscCall(TaoGetSolution(tao, &m));
  if (!m) {
    PetscCall(DiniCreateParameterVec(dini, &m));
    PetscCall(TaoSetSolution(tao, m));
    PetscCall(VecDestroy(&m));
  }
  PetscCall(TaoSetObjective(tao, DiniTaoObjective, dini));
  PetscCall(TaoSetObjectiveAndGradient(tao, NULL, DiniTaoObjectiveAndGradient, dini));
  PetscCall(PetscObjectCompose((PetscObject)tao, "Dini", (PetscObject)dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}
