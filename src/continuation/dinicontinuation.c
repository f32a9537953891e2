/* DiniContinue(): along u(m) through one scalar parameter, up to a target or to where the path turns back. */
#include "../private/dinicontinuationimpl.h"

#define DINI_PATH_ERROR    0.2 /* part of a step that the tangent may miss; near a fold a step of 0.64 of the distance */
#define DINI_PATH_GROWTH   1.5  /* of steps: larger ones run into folds that are not in sight yet */
#define DINI_PATH_NEAR     1e-6 /* of the way: as near to a fold at zero as need be */
#define DINI_PATH_LEAST    1e-2 /* of that: the smallest step */
#define DINI_PATH_LEAP     0.75 /* of the distance to a fold */
#define DINI_PATH_POLES    0.95 /* powers that du/dm grows with where u has a pole; 5/6 at a fold of sixth order */
#define DINI_PATH_DOUBT    0.65 /* power of lambda that a plain fold does not reach */
#define DINI_PATH_SHRUNK   1.2  /* lambda has to, in a step, to say where it will be zero */
#define DINI_PATH_AGREE    4.0  /* tolerances that this may be off what du/dm says */
#define DINI_PATH_ROOT     0.57 /* that a plain fold has: more is one only if there is another side, */
#define DINI_PATH_TIGHT    0.1  /* else the path goes on to so much nearer, */
#define DINI_PATH_TIGHTEST 1e-5 /* and not beyond that */
#define DINI_PATH_LIKE     1.4  /* powers of lambda that du/dm may be off its reciprocal */
#define DINI_PATH_POLE     0.25 /* powers of the distance that lambda goes to zero with: less, and du/dm grows by itself; */
#define DINI_PATH_FOLD     0.87 /* 1/2 at a fold, 3/4 and 5/6 at flatter ones, 1 where branches cross */

/* Steps that differ by rank would take the ranks to different collective calls. */
static PetscErrorCode DiniCheckSteps(Dini dini)
{
  const DiniContinuation *c      = &dini->continuation;
  const PetscReal         set[6] = {c->step, c->minstep, c->rtol, c->back, (PetscReal)c->maxsteps, (PetscReal)c->folds};
  PetscReal               mine[12], all[12];
  PetscBool               agree = PETSC_TRUE;

  PetscFunctionBegin;
  for (int i = 0; i < 6; i++) {
    mine[i]     = set[i];
    mine[6 + i] = -set[i];
  }
  PetscCall(MPIU_Allreduce(mine, all, 12, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  for (int i = 0; i < 6; i++) agree = (PetscBool)(agree && all[i] == -all[6 + i]);
  PetscCheck(agree, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: The ranks do not agree about the continuation: they have been given different steps, tolerances, or "
             "numbers of folds (DiniSetContinuation(), DiniSetContinuationFolds())",
             DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The block is one number, real and active; the target is one for all ranks. */
PetscErrorCode DiniCheckContinuation_Private(Dini dini, PetscInt p, PetscReal target, Vec u)
{
  const char *name;
  Vec         m;
  PetscInt    N;
  PetscBool   active, real;
  PetscReal   mine[2] = {target, -target}, all[2], back = dini->continuation.back;
  PetscScalar start;

  PetscFunctionBegin;
  PetscCall(DiniSetUp(dini));
  PetscCheck(
      !dini->ops->jvp, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "%s, of type \"%s\", has no path to continue along: the state of an eigenproblem is one of many modes; solve "
      "at each value, with DiniSetEigenTracking()",
      DiniLabel_Private(dini), ((PetscObject)dini)->type_name);
  PetscCall(DiniGetParameter(dini, p, &name, &m));
  PetscCall(VecGetSize(m, &N));
  PetscCheck(N == 1, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s: DiniContinue() goes along one number, and parameter \"%s\" has %" PetscInt_FMT
             "; continue in a scalar (DiniAddScalarParameter()) that multiplies or shifts the field",
             DiniLabel_Private(dini), name, N);
  PetscCall(DiniGetParameterActive(dini, p, &active));
  PetscCheck(active, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: Parameter \"%s\" is inactive, so there is no derivative to continue along; call "
             "DiniSetParameterActive()",
             DiniLabel_Private(dini), name);
  if (PetscIsNanReal(target)) mine[0] = mine[1] = PETSC_INFINITY; /* a maximum may lose NaN */
  PetscCall(MPIU_Allreduce(mine, all, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  PetscCheck(PetscAbsReal(all[0]) < PETSC_INFINITY && PetscAbsReal(all[1]) < PETSC_INFINITY,
             PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: The target %g of parameter \"%s\" is not a number to be reached", DiniLabel_Private(dini),
             (double)target, name);
  PetscCheck(all[0] == -all[1], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: The ranks do not agree about the target of parameter \"%s\": from %g to %g", DiniLabel_Private(dini),
             name, (double)-all[1], (double)all[0]);
  PetscCall(DiniCheckSteps(dini));
  PetscCall(DiniIsReal_Private(m, &real));
  PetscCheck(real, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: Parameter \"%s\" has an imaginary part; DiniContinue() goes along real values",
             DiniLabel_Private(dini), name);
  PetscCall(VecSum(m, &start));
  PetscCheck(back >= PETSC_INFINITY || (target - PetscRealPart(start)) * (PetscRealPart(start) - back) >= 0.0,
             PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: A path of parameter \"%s\" that runs back must end beyond its beginning %g, seen from its target %g, "
             "and not at %g",
             DiniLabel_Private(dini), name, (double)PetscRealPart(start), (double)target, (double)back);
  PetscCall(DiniSetUpLayout_Private(dini, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPathReport(Dini dini, const DiniPath *path, PetscReal m, DiniStep outcome, PetscReal error)
{
  static const char *const outcomes[] = {
      "", ", taken back: the forward solve failed", ", taken back: the tangent solve failed",
      ", taken back: far from where the tangent points", ", taken back: J is singular on the way"};
  MPI_Comm    comm   = PetscObjectComm((PetscObject)dini);
  const char *prefix = ((PetscObject)dini)->prefix;
  PetscReal   tnorm;

  PetscFunctionBegin;
  PetscCall(PetscInfo(dini, "Continuation, \"%s\" = %.10g%s; the tangent misses %g of the change\n", path->name,
                      (double)m, outcomes[outcome], (double)error));
  if (dini->continuation.print) {
    PetscCall(PetscPrintf(comm, "  %sDini continuation: %s %.10g%s", prefix ? prefix : "", path->name, (double)m,
                          outcomes[outcome]));
    if (outcome == DINI_STEP_GOOD) {
      PetscCall(DiniNorm_Private(path->point[0].t, &tnorm));
      PetscCall(PetscPrintf(comm, ", |du/dm| %g", (double)tnorm));
      if (path->seen)
        PetscCall(PetscPrintf(comm, ", a fold ahead at %.10g (+- %.1g)", (double)path->fold, (double)path->spread));
    }
    PetscCall(PetscPrintf(comm, "\n"));
  }
  if (outcome == DINI_STEP_GOOD && dini->continuation.monitor) {
    const DiniPathPoint *point = &path->point[0];

    DiniCallUserOpen(dini, DINI_DOOR_DERIVATIVES, "The continuation monitor (DiniContinuationMonitorSet())",
                     (*dini->continuation.monitor)(dini, point->m, point->u, point->t,
                                                   path->seen ? path->fold : PETSC_INFINITY, dini->continuation.ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal DiniPathTolerance(const DiniPath *path, PetscReal where)
{
  return path->tight * PetscMax(path->rtol * PetscAbsReal(where), path->near);
}

/* Does du/dm grow like the reciprocal of the distance, or faster? At a fold of any order it grows more slowly: u itself has a pole. */
static PetscErrorCode DiniPathAtPole(const DiniPath *path, PetscReal where, PetscReal power, PetscBool *pole)
{
  PetscReal t[2], d[2];

  PetscFunctionBegin;
  *pole = PETSC_FALSE;
  if (path->n < 2 || power < DINI_PATH_DOUBT) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < 2; i++) {
    PetscCall(DiniNorm_Private(path->point[i].t, &t[i]));
    d[i] = PetscAbsReal(where - path->point[i].m);
  }
  if (!(t[1] > 0.0) || !(d[0] > 0.0) || !(d[1] > d[0])) PetscFunctionReturn(PETSC_SUCCESS);
  *pole = (PetscBool)(PetscLogReal(t[0] / t[1]) > DINI_PATH_POLES * PetscLogReal(d[1] / d[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the fold come near enough, and is it one? An eigenvalue of J tells: the path may turn for other reasons. */
static PetscErrorCode DiniPathAtFold(DiniPath *path, DiniContinuationReason *reason)
{
  const PetscReal tol = DiniPathTolerance(path, path->fold);
  PetscReal       power;
  PetscBool       pole;

  PetscFunctionBegin;
  if (!path->seen || path->sign * (path->target - path->fold) < 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  if (PetscAbsReal(path->fold - path->point[0].m) > tol || path->spread > tol) PetscFunctionReturn(PETSC_SUCCESS);
  power = PetscMax(DiniPathPower_Private(path), DiniPathGrowth_Private(path, path->fold));
  if (power >= DINI_PATH_POLE &&
      (path->ratio[0] < DINI_PATH_SHRUNK ||
       PetscAbsReal(DiniPathWhereZero_Private(path, 0.5) - path->point[0].m) > DINI_PATH_AGREE * tol))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPathAtPole(path, path->fold, power, &pole));
  if (power >= DINI_PATH_FOLD || pole) PetscFunctionReturn(PETSC_SUCCESS); /* no fold, and lambda itself tells where */
  *reason = power < DINI_PATH_POLE ? DINI_CONTINUATION_DIVERGED_TANGENT : DINI_CONTINUATION_FOLD;
  if (*reason > 0) path->end = path->fold;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step inside of which J is singular is halved until it is small enough to tell where. */
static PetscErrorCode DiniPathAtTurn(DiniPath *path, PetscReal dm, DiniContinuationReason *reason)
{
  PetscReal power;

  PetscFunctionBegin;
  if (dm > DiniPathTolerance(path, path->turn)) PetscFunctionReturn(PETSC_SUCCESS);
  power   = DiniPathGrowth_Private(path, path->turn);
  *reason = power < DINI_PATH_FOLD ? DINI_CONTINUATION_DIVERGED_BRANCH : DINI_CONTINUATION_BIFURCATION;
  if (*reason > 0) path->end = path->turn;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the point where J is singular come near enough? A fold is one, too, and need not have been in sight. */
static PetscErrorCode DiniPathAtZero(DiniPath *path, DiniContinuationReason *reason)
{
  const PetscReal power = DiniPathPower_Private(path), where = DiniPathWhereZero_Private(path, power);
  const PetscReal tol = DiniPathTolerance(path, where), moved = PetscAbsReal(where - path->zero);
  PetscBool       pole;

  PetscFunctionBegin;
  path->zero = where;
  PetscCall(DiniPathAtPole(path, where, power, &pole));
  if (power < DINI_PATH_POLE || path->ratio[0] < DINI_PATH_SHRUNK) PetscFunctionReturn(PETSC_SUCCESS);
  if (PetscAbsReal(where - path->point[0].m) > tol || moved > tol) PetscFunctionReturn(PETSC_SUCCESS);
  *reason   = power < DINI_PATH_FOLD && !pole ? DINI_CONTINUATION_FOLD : DINI_CONTINUATION_BIFURCATION;
  path->end = where;
  if (*reason == DINI_CONTINUATION_FOLD) path->fold = where;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Part of the distance to the fold, or to where J is singular, that is safe in view of what is not known of it */
static PetscReal DiniPathLimit(const DiniPath *path, PetscReal step)
{
  const PetscReal distance = PetscAbsReal(path->fold - path->point[0].m);
  const PetscReal where    = DiniPathWhereZero_Private(path, DiniPathPower_Private(path));

  step = PetscMin(step, DINI_PATH_LEAP * PetscAbsReal(where - path->point[0].m));
  if (!path->seen) return step;
  return PetscMin(step, DINI_PATH_LEAP * PetscMax(distance - path->spread, distance / 3.0));
}

/* Does what grows in du/dm grow as lambda shrinks, in the last step? So it does at a fold, and not where rounding rules */
static PetscErrorCode DiniPathConsistent(DiniPath *path, PetscBool *consistent)
{
  PetscReal rate[2], grows;

  PetscFunctionBegin;
  for (int i = 0; i < 2; i++) PetscCall(DiniPathAlong_Private(path, path->point[i].t, &rate[i]));
  grows       = PetscLogReal(PetscAbsReal(rate[0] / rate[1])) / PetscLogReal(path->ratio[0]);
  *consistent = (PetscBool)(grows > 1.0 / DINI_PATH_LIKE && grows < DINI_PATH_LIKE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A fold has another side. Where none is found it may be a path that is steep there and goes on, or a pole: the path goes nearer,
  until that can be seen, and ends where it can not. A solver that does not get to the other side is no proof against a fold
  that lambda and du/dm agree about.
*/
static PetscErrorCode DiniPathConfirm(Dini dini, DiniPath *path, DiniContinuationReason *reason)
{
  const PetscReal power = PetscMax(DiniPathPower_Private(path), DiniPathGrowth_Private(path, path->fold));
  PetscBool       behind, consistent = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(DiniPathBehind_Private(dini, path, path->fold, &behind));
  if (behind) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPathConsistent(path, &consistent));
  if (consistent && power < DINI_PATH_ROOT && path->tight == 1.0) PetscFunctionReturn(PETSC_SUCCESS);
  path->tight *= DINI_PATH_TIGHT;
  *reason = path->tight < DINI_PATH_TIGHTEST ? DINI_CONTINUATION_DIVERGED_TANGENT : DINI_CONTINUATION_ITERATING;
  if (*reason) path->end = path->point[0].m;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPathWalk(Dini dini, DiniPath *path, PetscReal step, DiniContinuationReason *reason)
{
  static const DiniContinuationReason diverged[] = {
      DINI_CONTINUATION_DIVERGED_STEPS, DINI_CONTINUATION_DIVERGED_FORWARD, DINI_CONTINUATION_DIVERGED_TANGENT,
      DINI_CONTINUATION_DIVERGED_BRANCH, DINI_CONTINUATION_DIVERGED_BRANCH};
  DiniStep  outcome = DINI_STEP_GOOD, before;
  PetscReal error   = 0.0;

  PetscFunctionBegin;
  *reason = DINI_CONTINUATION_ITERATING;
  PetscCall(DiniPathBegin_Private(dini, path));
  path->end = path->start;
  PetscCall(DiniPathReport(dini, path, path->start, outcome, error));
  for (PetscInt n = 0; n < dini->continuation.maxsteps && !*reason; n++) {
    const PetscReal now = path->point[0].m, left = PetscAbsReal(path->target - now);
    const PetscReal dm = PetscMin(DiniPathLimit(path, step), left);
    const PetscReal m  = dm < left ? now + path->sign * dm : path->target;

    if (left == 0.0) break;
    before = outcome;
    PetscCall(DiniPathStep_Private(dini, path, m, &outcome, &error));
    PetscCall(DiniPathReport(dini, path, m, outcome, error));
    if (outcome == DINI_STEP_GOOD) {
      path->end = m;
      step      = dm * PetscMin(before == DINI_STEP_GOOD ? DINI_PATH_GROWTH : 1.0,
                           PetscMax(0.5, DINI_PATH_ERROR / PetscMax(error, 0.05)));
      if (path->seen) PetscCall(DiniPathAtFold(path, reason));
      if (!*reason) PetscCall(DiniPathAtZero(path, reason));
      if (*reason == DINI_CONTINUATION_FOLD) PetscCall(DiniPathConfirm(dini, path, reason));
      if (*reason == DINI_CONTINUATION_FOLD && dini->continuation.nfolds < path->maxfolds) {
        PetscCall(DiniPathRound_Private(dini, path, &step, reason));
        if (*reason) break;
        PetscCall(DiniPathReport(dini, path, m, outcome, error));
        path->end = m;
        continue;
      }
      if (!*reason && step < path->tight * path->minstep && !path->seen) *reason = DINI_CONTINUATION_DIVERGED_STEPS;
    } else {
      step = 0.5 * dm;
      if (outcome == DINI_STEP_TURN) PetscCall(DiniPathAtTurn(path, dm, reason));
      else if (step < path->tight * path->minstep) *reason = diverged[outcome];
    }
  }
  if (path->point[0].m == path->target)
    *reason = dini->continuation.nfolds % 2 ? DINI_CONTINUATION_RETURN : DINI_CONTINUATION_TARGET;
  else if (!*reason) *reason = DINI_CONTINUATION_DIVERGED_STEPS;
  PetscCall(DiniPathReturn_Private(dini, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An error on the way leaves u and the parameter at the last good point; the Dini needs a solve before a derivative. */
static PetscErrorCode DiniPathRescue(Dini dini, DiniPath *path)
{
  PetscFunctionBegin;
  if (!path->n || path->here) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(path->point[0].u, path->u));
  PetscCall(DiniPathParameter_Private(dini, path, path->point[0].m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPathEnd(Dini dini, const DiniPath *path, DiniContinuationReason reason)
{
  const char *text, *prefix = ((PetscObject)dini)->prefix;

  PetscFunctionBegin;
  PetscCall(DiniContinuationReasonString(reason, &text));
  PetscCall(PetscInfo(dini, "Continuation ended: %s, \"%s\" = %.10g\n", text, path->name, (double)path->end));
  if (dini->continuation.print)
    PetscCall(PetscPrintf(PetscObjectComm((PetscObject)dini), "  %sDini continuation: %s at %s %.10g\n",
                          prefix ? prefix : "", text, path->name, (double)path->end));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Follows the solution u(m) through one scalar parameter, from its present value to a target or to a fold.
  @level{intermediate}

  Collective. Natural continuation: each step predicts u + (du/dm) dm by a tangent solve, corrects by the forward solve, and
  is halved where that fails or leaves the branch. A fold, where the path turns back and du/dm is infinite, is foretold from
  the tangents at the last points, and steps are fractions of the distance to it, so that the forward solve is never asked
  for a solution beyond. It ends the path, or is gone round, see DiniSetContinuationFolds(). The path also ends where J turns singular with a bounded tangent, because branches cross there.

  On return u and the parameter are at the last good solution, and the Dini is ready for derivatives there. At a fold or a
  bifurcation that is nearer to it than the tolerance of DiniSetContinuation(). When the call raises an error they have that
  solution's values too, but call DiniSolve() before a derivative.

  @param[in]     dini    the Dini
  @param[in]     p       number of an active block of one entry, such as DiniAddScalarParameter() gives; real
  @param[in]     target  value to reach, above or below the present one, in units of the parameter
  @param[in,out] u       initial guess at the present value on entry; solution at the value the parameter has on return
  @param[out]    reached the target, or the location of the fold or bifurcation (which the parameter has not reached), or
                         else the value on return; may be NULL
  @param[out]    reason  why the path ended. With NULL, all but DINI_CONTINUATION_TARGET is an error
  @return 0 or a PETSc error code; PETSC_ERR_NOT_CONVERGED when there is no solution to begin at, PETSC_ERR_ARG_SIZ for a
          block that is not one number, PETSC_ERR_ARG_WRONG for one that is inactive or has an imaginary part,
          PETSC_ERR_ARG_OUTOFRANGE for a target that is not finite, PETSC_ERR_SUP for eigenproblems

  Options: `-dini_continuation_step`, `-dini_continuation_min_step`, `-dini_continuation_max_steps`,
  `-dini_continuation_rtol`, `-dini_continuation_folds`, `-dini_continuation_back`, `-dini_continuation_monitor`.

  @see DiniSetContinuation(), DiniSetContinuationFolds(), DiniContinuationMonitorSet(), DiniJVP()
*/
PetscErrorCode DiniContinue(Dini dini, PetscInt p, PetscReal target, Vec u, PetscReal *reached,
                            DiniContinuationReason *reason)
{
  DiniPath               path;
  DiniContinuationReason why = DINI_CONTINUATION_ITERATING;
  PetscBool              erroriffail;
  DiniAdjointType        adjointtype;
  PetscReal              way, step, end, now;
  PetscErrorCode         failed;
  const char            *text, *name;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniContinue()"));
  PetscCall(DiniCheckContinuation_Private(dini, p, target, u));
  PetscCall(DiniPathCreate_Private(dini, p, target, u, &path));
  way       = PetscAbsReal(target - path.start);
  step      = dini->continuation.step > 0.0 ? dini->continuation.step : way / 20.0;
  path.near = dini->continuation.minstep > 0.0 ? dini->continuation.minstep : PetscMin(DINI_PATH_NEAR * way, step);
  path.minstep =
      dini->continuation.minstep > 0.0 ? path.near : DINI_PATH_LEAST * path.near; /* to get away from a fold */
  path.rtol   = dini->continuation.rtol;
  erroriffail = dini->erroriffail;
  adjointtype = dini->adjointtype;
  PetscCall(DiniSetAdjointType(dini, DINI_ADJOINT_HERMITIAN));
  PetscCall(DiniSetErrorIfNotConverged(dini, PETSC_FALSE)); /* a solve that fails is a step that was too long */
  failed = DiniPathWalk(dini, &path, step, &why);
  PetscCall(DiniSetErrorIfNotConverged(dini, erroriffail));
  PetscCall(DiniSetAdjointType(dini, adjointtype));
  if (failed) PetscCall(DiniPathRescue(dini, &path));
  else PetscCall(DiniPathEnd(dini, &path, why));
  end  = path.end;
  now  = path.point[0].m;
  name = path.name;
  PetscCall(DiniPathDestroy_Private(&path));
  PetscCall(failed);
  PetscCall(DiniContinuationReasonString(why, &text));
  PetscCheck(reason || why == DINI_CONTINUATION_TARGET, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: The path of parameter \"%s\" does not reach its target %g: it ends with %s at %.10g, and the last "
             "solution is that at %.10g. Ask for the reason to have this without an error; watch it with "
             "-dini_continuation_monitor",
             DiniLabel_Private(dini), name, (double)target, text, (double)end, (double)now);
  if (reached) *reached = end;
  if (reason) *reason = why;
  PetscFunctionReturn(PETSC_SUCCESS);
}
