/*
  Are the derivatives right? Each check holds two independent ways to one number against each other, and knows how exact
  either can be: a forward solve that is too loose must not be called a wrong gradient.
*/
#include "../private/dinicheckimpl.h"

#define CHECK_RTOL 1e-5 /* of the best difference quotient */

/* "the forward solve is too loose for this test; -snes_rtol 1e-09 would decide" */
static PetscErrorCode DiniCheckCure(Dini dini, DiniChecking *check, char cure[], size_t size)
{
  PetscReal   rtol;
  const char *norm;
  char        option[192];

  PetscFunctionBegin;
  PetscCall(DiniForwardTolerance_Private(dini, option, sizeof(option), &rtol, &norm));
  if (check->excess <= 1.0) /* not a matter of tolerance */
    PetscCall(PetscSNPrintf(cure, size, "no forward solve beside the point has converged"));
  else if (option[0] && rtol > 0.0)
    PetscCall(PetscSNPrintf(
        cure, size, "the forward solve is too loose for this test; %s %.0e would decide", option,
        (double)PetscPowReal(10.0, PetscFloorReal(PetscLog10Real(PetscMax(rtol / check->excess, 1e-15))))));
  else
    PetscCall(PetscSNPrintf(cure, size,
                            "the forward solve is too loose for this test; one that is tighter by %.0e would decide",
                            (double)check->excess));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCheckVerdict_Private(Dini dini, DiniChecking *check, DiniVerdict verdict, const char what[])
{
  char cure[512];

  PetscFunctionBegin;
  check->tests++;
  if (verdict == DINI_VERDICT_LOOSE) {
    PetscCall(DiniCheckCure(dini, check, cure, sizeof(cure)));
    PetscCall(PetscViewerASCIIPrintf(check->viewer, "%s: inconclusive: %s\n", what, cure));
    if (!check->loose++ && !check->wrong)
      PetscCall(PetscSNPrintf(check->first, sizeof(check->first), "%s: %s", what, cure));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscViewerASCIIPrintf(check->viewer, "%s: %s\n", what, verdict == DINI_VERDICT_OK ? "ok" : "WRONG"));
  if (verdict == DINI_VERDICT_WRONG && !check->wrong++)
    PetscCall(PetscStrncpy(check->first, what, sizeof(check->first)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A random flat direction that moves block p alone, or every block for p < 0, by relative amounts */
PetscErrorCode DiniCheckDirection_Private(Dini dini, PetscInt p, Vec dm)
{
  PetscFunctionBegin;
  PetscCall(VecSet(dm, 0.0));
  for (PetscInt q = 0; q < dini->nparams; q++) {
    PetscBool active;
    Vec       m, part;

    PetscCall(DiniGetParameterActive(dini, q, &active));
    if (!active || (p >= 0 && q != p)) continue;
    PetscCall(DiniGetParameter(dini, q, NULL, &m));
    PetscCall(DiniGetParameterSubVec(dini, dm, q, &part));
    PetscCall(DiniRandomDirection_Private(dini, 10 + q, m, part));
    PetscCall(DiniRestoreParameterSubVec(dini, dm, q, &part));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const PetscReal checksteps[] = {1e-3, 1e-4, 1e-5, 1e-6, 1e-7};

/* F(u + h direction, m), or F(u, m + h direction) through the flat vector as an optimiser would */
static PetscErrorCode DiniCheckShifted(Dini dini, DiniChecking *check, PetscBool instate, PetscReal h, Vec direction,
                                       Vec x, Vec F)
{
  PetscFunctionBegin;
  PetscCall(VecWAXPY(x, h, direction, instate ? check->u : check->m));
  if (!instate) PetscCall(DiniSetParameters(dini, x));
  PetscCall(DiniComputeResidual(dini, instate ? x : check->u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The best relative agreement of y with (F(h) - F(-h)) / (2 h) over the steps */
static PetscErrorCode DiniCheckDifferences(Dini dini, DiniChecking *check, PetscBool instate, Vec direction, Vec y,
                                           PetscReal *best)
{
  Vec       x, Fp, Fm;
  PetscReal ynorm, enorm;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(direction, &x));
  PetscCall(VecDuplicate(y, &Fp));
  PetscCall(VecDuplicate(y, &Fm));
  PetscCall(DiniNorm_Private(y, &ynorm));
  *best = PETSC_MAX_REAL;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(checksteps); k++) {
    const PetscReal h = checksteps[k];

    PetscCall(DiniCheckShifted(dini, check, instate, h, direction, x, Fp));
    PetscCall(DiniCheckShifted(dini, check, instate, -h, direction, x, Fm));
    PetscCall(VecAXPY(Fp, -1.0, Fm));
    PetscCall(VecScale(Fp, 0.5 / h));
    PetscCall(DiniNorm_Private(Fp, &enorm));
    ynorm = PetscMax(ynorm, enorm);
    PetscCall(VecAXPY(Fp, -1.0, y));
    PetscCall(DiniNorm_Private(Fp, &enorm));
    *best = PetscMin(*best, ynorm > 0.0 ? enorm / ynorm : 0.0);
  }
  if (!instate) PetscCall(DiniSetParameters(dini, check->m));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&Fp));
  PetscCall(VecDestroy(&Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCheckJacobian(Dini dini, DiniChecking *check)
{
  Mat       J;
  Vec       v, Jv;
  PetscReal best = 0.0;
  char      what[256];

  PetscFunctionBegin;
  PetscCall(DiniGetJacobian(dini, &J, NULL));
  if (!J) {
    PetscCall(PetscViewerASCIIPrintf(check->viewer, "J: known to the application's own solves only\n"));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (dini->source.used != DINI_JACOBIAN_GIVEN) PetscCall(DiniJacobianView_Private(dini, check->viewer));
  PetscCall(VecDuplicate(check->u, &v));
  PetscCall(VecDuplicate(check->u, &Jv));
  PetscCall(DiniRandomDirection_Private(dini, 7, check->u, v));
  PetscCall(MatMult(J, v, Jv));
  PetscCall(DiniCheckDifferences(dini, check, PETSC_TRUE, v, Jv, &best));
  PetscCall(PetscSNPrintf(what, sizeof(what), "J v against differences of F, relative error %.1e", (double)best));
  PetscCall(DiniCheckVerdict_Private(dini, check, best <= CHECK_RTOL ? DINI_VERDICT_OK : DINI_VERDICT_WRONG, what));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Jv));
  PetscCall(DiniCheckFields_Private(dini, check, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCheckParameterJacobian(Dini dini, DiniChecking *check, PetscInt p, const char name[])
{
  Mat       Fm;
  Vec       dm, part, y;
  PetscReal best = 0.0, ynorm;
  char      what[256];

  PetscFunctionBegin;
  PetscCall(DiniGetParameterJacobian(dini, p, &Fm));
  PetscCall(VecDuplicate(check->m, &dm));
  PetscCall(VecDuplicate(check->u, &y));
  PetscCall(DiniCheckDirection_Private(dini, p, dm));
  PetscCall(VecSet(y, 0.0));
  if (Fm) {
    PetscCall(DiniGetParameterSubVec(dini, dm, p, &part));
    PetscCall(MatMult(Fm, part, y));
    PetscCall(DiniRestoreParameterSubVec(dini, dm, p, &part));
  }
  PetscCall(DiniCheckDifferences(dini, check, PETSC_FALSE, dm, y, &best));
  PetscCall(DiniNorm_Private(y, &ynorm));
  PetscCall(PetscSNPrintf(what, sizeof(what), "F_m dm of \"%s\" against differences of F, relative error %.1e%s", name,
                          (double)best, ynorm > 0.0 ? "" : ", F_m is zero"));
  PetscCall(DiniCheckVerdict_Private(dini, check, best <= CHECK_RTOL ? DINI_VERDICT_OK : DINI_VERDICT_WRONG, what));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The objective's own derivatives, before anything that rests on them */
static PetscErrorCode DiniCheckObjective(Dini dini, DiniChecking *check)
{
  DiniObjective    objective = dini->objective;
  PetscErrorCode   failed;
  PetscReal        value;
  DiniDisagreement found;
  const PetscReal *error = found.error;
  Vec              dJdu, dJdm, state = dini->state;
  char             what[256];

  PetscFunctionBegin;
  if (!objective || !objective->gradient) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(check->u, &dJdu));
  PetscCall(VecDuplicate(check->m, &dJdm));
  dini->state = check->u;
  failed      = DiniObjectiveValue_Private(dini, objective, &value); /* does it have one beside the point? */
  if (!failed) failed = DiniObjectivePartials_Private(dini, objective, dJdu, dJdm);
  dini->state = state;
  if (!failed) failed = DiniObjectiveCompare_Private(dini, objective, dJdu, dJdm, &found);
  PetscCall(VecDestroy(&dJdu));
  PetscCall(VecDestroy(&dJdm));
  PetscCall(failed);
  if (objective->visits) PetscFunctionReturn(PETSC_SUCCESS); /* the remainders of the gradient will tell */
  PetscCall(PetscSNPrintf(what, sizeof(what),
                          "%s of the objective%s against differences of its value, relative error %.1e",
                          error[1] > CHECK_RTOL && !(error[2] > CHECK_RTOL)   ? "dJ/du"
                          : error[2] > CHECK_RTOL && !(error[1] > CHECK_RTOL) ? "dJ/dm"
                                                                              : "dJ/du and dJ/dm",
                          found.part, (double)error[0]));
  PetscCall(DiniCheckVerdict_Private(dini, check, error[0] <= CHECK_RTOL ? DINI_VERDICT_OK : DINI_VERDICT_WRONG, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  <ubar, du> = <mbar, dm> up to the residuals of the two solves: with ra = ubar - J^H lambda and rt = r - J du the difference
  is <ra, du> - <lambda, rt>.
*/
static PetscErrorCode DiniCheckDot(Dini dini, DiniChecking *check)
{
  Vec             ubar, du, lambda, dm, mbar;
  PetscScalar     forward, adjoint;
  PetscReal       tangentrtol, adjointrtol, nubar, ndu, nlambda, nmbar, ndm, bound, difference;
  DiniAdjointType type = dini->adjointtype;
  PetscBool       real;
  char            what[256];

  PetscFunctionBegin;
  PetscCall(VecDuplicate(check->u, &ubar));
  PetscCall(VecDuplicate(check->u, &du));
  PetscCall(VecDuplicate(check->u, &lambda));
  PetscCall(VecDuplicate(check->m, &dm));
  PetscCall(VecDuplicate(check->m, &mbar));
  PetscCall(VecSet(du, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 8, du, ubar));
  PetscCall(DiniCheckDirection_Private(dini, -1, dm));
  PetscCall(DiniJVP(dini, dm, du));
  PetscCall(DiniSetAdjointType(dini, DINI_ADJOINT_HERMITIAN));
  PetscCall(DiniAdjointSolve(dini, ubar, lambda));
  PetscCall(DiniVJP(dini, ubar, mbar));
  PetscCall(DiniSetAdjointType(dini, type));
  PetscCall(VecDot(du, ubar, &forward));
  PetscCall(VecDot(dm, mbar, &adjoint));
  PetscCall(DiniNorm_Private(ubar, &nubar));
  PetscCall(DiniNorm_Private(du, &ndu));
  PetscCall(DiniNorm_Private(lambda, &nlambda));
  PetscCall(DiniNorm_Private(mbar, &nmbar));
  PetscCall(DiniNorm_Private(dm, &ndm));
  PetscCall(DiniGetTolerances(dini, &tangentrtol, &adjointrtol));
  {
    Vec       r = ubar; /* r = -F_m dm, of which only the size is wanted; J du is it to the tolerance */
    Mat       J;
    PetscReal nr = 0.0;

    PetscCall(DiniGetJacobian(dini, &J, NULL));
    if (J) PetscCall(MatMult(J, du, r));
    if (J) PetscCall(DiniNorm_Private(r, &nr));
    bound = 2.0 * (adjointrtol * nubar * ndu + tangentrtol * nlambda * nr) +
            1e3 * PETSC_MACHINE_EPSILON * (nubar * ndu + nmbar * ndm + nlambda * nr);
    if (!J) bound += 1e-5 * (nubar * ndu + nmbar * ndm); /* the application's own solves, held against differences */
  }
  difference = PetscAbsScalar(forward - adjoint);
  PetscCall(DiniParameterAnyReal_Private(dini, &real));
  if (real) difference = PetscAbsReal(PetscRealPart(forward - adjoint)); /* what a real block knows of */
  PetscCall(
      PetscSNPrintf(what, sizeof(what), "<ubar, JVP dm> = %.10g and <VJP ubar, dm> = %.10g differ by %.1e, bound %.1e",
                    (double)PetscRealPart(forward), (double)PetscRealPart(adjoint), (double)difference, (double)bound));
  PetscCall(DiniCheckVerdict_Private(dini, check, difference <= bound ? DINI_VERDICT_OK : DINI_VERDICT_WRONG, what));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&lambda));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCheckAll(Dini dini, DiniChecking *check)
{
  Vec correction;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(check->u, &correction));
  PetscCall(DiniCheckError_Private(dini, check->u, &check->error, correction));
  PetscCall(VecDestroy(&correction));
  PetscCall(PetscViewerASCIIPrintf(check->viewer, "Dini check at the solution, whose error |J^{-1} F| is %.1e\n",
                                   (double)check->error));
  PetscCall(PetscViewerASCIIPushTab(check->viewer));
  PetscCall(DiniCheckJacobian(dini, check));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    const char *name;
    PetscBool   active;

    PetscCall(DiniGetParameter(dini, p, &name, NULL));
    PetscCall(DiniGetParameterActive(dini, p, &active));
    if (active) PetscCall(DiniCheckComponents_Private(dini, check, p));
    if (active) PetscCall(DiniCheckParameterJacobian(dini, check, p, name));
  }
  PetscCall(DiniCheckObjective(dini, check));
  dini->fsolve = check->fpoint;
  PetscCall(DiniSetPoint_Private(dini, check->home)); /* differences have touched m and put it back */
  PetscCall(DiniCheckDot(dini, check));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    PetscBool active;

    PetscCall(DiniGetParameterActive(dini, p, &active));
    if (active) PetscCall(DiniCheckTaylor_Private(dini, check, p));
  }
  PetscCall(PetscViewerASCIIPopTab(check->viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Checks J, F_m, the tangent, the adjoint and the gradient of an object against independent ways to the same numbers.
  @level{beginner}

  Collective. Prints a line for each of: J v and F_m dm of each active block against differences of F, dJ/du and dJ/dm of the
  objective against differences of its value, also by fields and components; <ubar, JVP dm> = <VJP ubar, dm>; and per block
  Taylor remainders, |u(m + h dm) - u - h du| of the tangent and |J(m + h dm) - J - h Re<g, dm>| of the gradient, whose order is 2
  for right derivatives. Without an objective J is Re<w, u>. Where the forward solve is too loose to tell, the line says which
  tolerance would decide; that is neither wrong nor a pass. State, parameters and statistics are as before afterwards, also
  after an error; the solver's own counts and reason are those of a solve beside the point.
  Option: `-dini_check [ascii:file]` runs it once, before the first derivative is used.

  @param[in] dini   the Dini, after DiniSolve() or DiniAttach()
  @param[in] viewer an ASCII viewer, NULL for standard output; another one is refused
  @return 0 or an error code: PETSC_ERR_SUP for another viewer; after everything has been printed PETSC_ERR_ARG_WRONG, or PETSC_ERR_NOT_CONVERGED if inconclusive
*/
PetscErrorCode DiniCheck(Dini dini, PetscViewer viewer)
{
  DiniChecking              check     = {0};
  const DiniStatistics      stats     = dini->stats;
  const DiniConvergedReason reason    = dini->reason;
  const PetscInt            nmonitors = dini->nmonitors;
  const PetscBool           guard = dini->guard, policy = dini->erroriffail, told = dini->reasonrequested;
  PetscErrorCode            failed, back;
  PetscBool                 ascii;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniCheck()"));
  PetscCall(DiniCheckPoint_Private(dini));
  if (!viewer) PetscCall(PetscViewerASCIIGetStdout(PetscObjectComm((PetscObject)dini), &viewer));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  PetscCheck(ascii, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: DiniCheck() prints text, and this viewer is of type %s: hand it an ASCII viewer, or NULL",
             DiniLabel_Private(dini), ((PetscObject)viewer)->type_name);
  check.viewer = viewer;
  check.home   = dini->u;
  check.fpoint = dini->fpoint;
  PetscCall(PetscObjectReference((PetscObject)check.home));
  dini->checkrequested = PETSC_FALSE;
  PetscCall(VecDuplicate(dini->u, &check.u));
  PetscCall(VecCopy(dini->u, check.u));
  PetscCall(DiniCreateParameterVec(dini, &check.m));
  if (!dini->objective) {
    PetscCall(VecDuplicate(dini->u, &check.w));
    PetscCall(DiniRandomDirection_Private(dini, 9, dini->u, check.w));
  }
  PetscCall(PetscLogEventBegin(DINI_Check, dini, 0, 0, 0));
  dini->inside          = guard;
  dini->guard           = PETSC_FALSE; /* a check shows what a guard would only refuse */
  dini->nmonitors       = 0;
  dini->reasonrequested = PETSC_FALSE;
  failed                = DiniCheckAll(dini, &check);
  dini->inside          = PETSC_FALSE;
  dini->guard           = guard;
  dini->erroriffail     = policy;
  dini->nmonitors       = nmonitors;
  dini->reasonrequested = told;
  back                  = DiniSetParameters(dini, check.m); /* whatever has failed, the values are the application's */
  dini->fsolve          = check.fpoint;                     /* it is the same point */
  if (!back) back = DiniSetPoint_Private(dini, check.home);
  if (!failed) failed = back; /* the first error is the one to report */
  dini->reason = reason;
  dini->stats  = stats;
  PetscCall(PetscLogEventEnd(DINI_Check, dini, 0, 0, 0));
  PetscCall(VecDestroy(&check.u));
  PetscCall(VecDestroy(&check.home));
  PetscCall(VecDestroy(&check.m));
  PetscCall(VecDestroy(&check.w));
  PetscCall(failed);
  PetscCheck(!check.wrong, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: DiniCheck() found %" PetscInt_FMT " of %" PetscInt_FMT
             " tests wrong, the first: %s. Mend that one first: the later tests rest on the earlier",
             DiniLabel_Private(dini), check.wrong, check.tests, check.first);
  if (check.loose)
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "Dini check inconclusive: %" PetscInt_FMT " of %" PetscInt_FMT
                                     " tests could not tell right from wrong\n",
                                     check.loose, check.tests));
  PetscCheck(!check.loose, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: DiniCheck() is inconclusive: %" PetscInt_FMT " of %" PetscInt_FMT
             " tests could not tell right from wrong, the first: %s",
             DiniLabel_Private(dini), check.loose, check.tests, check.first);
  PetscCall(PetscViewerASCIIPrintf(viewer, "Dini check passed: %" PetscInt_FMT " tests\n", check.tests));
  PetscFunctionReturn(PETSC_SUCCESS);
}
