/*
  Round a fold. At the distance d to it, u = u_c + C d^(1/2) + R d + ..., and on the other side at the same m, with -C. The part of
  du/dm that grows like d^(-1/2) is known from the last two points, and 4 d times it leads across, up to a part of d of
  the way. The forward solve takes it from there; J is regular at both points, and nothing is solved at the fold itself.
*/
#include "../private/dinicontinuationimpl.h"

#define DINI_ROUND_TRIES 4
#define DINI_ROUND_LEAST 1.5 /* nearer than this part of that 4, it is the point that the path comes from */
#define DINI_ROUND_MOST  10.0
#define DINI_ROUND_ASIDE 0.5 /* of the way across: so far beside it */

/* Solves on the other side from u + part (m_c - m) times what grows in du/dm; *good: there is a solution, with a tangent */
static PetscErrorCode DiniRoundTry(Dini dini, DiniPath *path, PetscReal part, PetscBool *good)
{
  const PetscReal m = path->point[0].m, d[2] = {path->fold - m, path->fold - path->point[1].m};
  const PetscReal grown = part * d[0] / (1.0 - PetscSqrtReal(d[0] / d[1]));

  PetscFunctionBegin;
  PetscCall(VecWAXPY(path->u, grown, path->point[0].t, path->point[0].u));
  PetscCall(VecAXPY(path->u, -grown, path->point[1].t));
  PetscCall(DiniPathParameter_Private(dini, path, m));
  PetscCall(DiniSolve(dini, path->u));
  PetscCall(DiniPathConverged_Private(dini, good));
  if (*good) PetscCall(DiniPathTangent_Private(dini, path, m, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the trial the fold's other side? So far along what du/dm grows along, not far beside it, and du/dm points back. */
static PetscErrorCode DiniRoundJudge(DiniPath *path, PetscBool *good)
{
  const PetscReal d = path->fold - path->point[0].m;
  PetscReal       rate, back, way, grown, aside, whole, part;

  PetscFunctionBegin;
  PetscCall(DiniPathAlong_Private(path, path->point[0].t, &rate));
  PetscCall(DiniPathAlong_Private(path, path->trial.t, &back));
  PetscCall(VecWAXPY(path->w[0], -1.0, path->point[0].u, path->trial.u));
  PetscCall(DiniPathAlong_Private(path, path->w[0], &way));
  PetscCall(VecWAXPY(path->w[1], -1.0, path->point[1].t, path->point[0].t));
  PetscCall(DiniPathAlong_Private(path, path->w[1], &grown));
  PetscCall(VecAXPY(path->w[0], -way / grown, path->w[1]));
  PetscCall(VecPointwiseMult(path->w[0], path->w[0], path->weight));
  PetscCall(VecPointwiseMult(path->w[1], path->w[1], path->weight));
  PetscCall(DiniNorm_Private(path->w[0], &aside));
  PetscCall(DiniNorm_Private(path->w[1], &whole));
  part  = way / (d * rate);
  aside = aside / (whole * PetscAbsReal(way / grown));
  PetscCall(PetscInfo(path->u, "Continuation: behind the fold, so far along du/dm: %g, beside that %g\n", (double)part,
                      (double)aside));
  *good =
      (PetscBool)(part > DINI_ROUND_LEAST && part < DINI_ROUND_MOST && back * rate < 0.0 && aside < DINI_ROUND_ASIDE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The trial becomes a point on the fold's other side; an eigenvalue of J has changed its sign in between. *good: there is one */
static PetscErrorCode DiniRoundFind(Dini dini, DiniPath *path, PetscBool *good)
{
  static const PetscReal parts[DINI_ROUND_TRIES] = {4.0, 3.0, 5.5, 2.5};
  PetscBool              converged, crosses;
  PetscReal              ratio;

  PetscFunctionBegin;
  *good      = PETSC_FALSE;
  path->here = PETSC_FALSE;
  for (int k = 0; k < DINI_ROUND_TRIES && !*good && path->n > 1; k++) {
    PetscCall(DiniRoundTry(dini, path, parts[k], good));
    if (*good) PetscCall(DiniRoundJudge(path, good));
    if (!*good) continue;
    PetscCall(DiniPathCrossing_Private(dini, path, &converged, &crosses, &ratio));
    *good = (PetscBool)(converged && crosses);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there another side? The Dini is left there, or where the last try has ended */
PetscErrorCode DiniPathBehind_Private(Dini dini, DiniPath *path, PetscReal fold, PetscBool *behind)
{
  const PetscReal seen = path->fold;

  PetscFunctionBegin;
  path->fold = fold;
  PetscCall(DiniRoundFind(dini, path, behind));
  path->fold = seen;
  PetscCall(PetscInfo(dini, "Continuation: behind the fold at %g there is %s\n", (double)fold,
                      *behind ? "another side" : "no other side to be found"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  From the latest point, next to the fold that ends the path, to its other side, from where the path runs back. An eigenvalue
  of J has changed its sign in between. *reason: none, the path goes on; or that this can not be done.
*/
PetscErrorCode DiniPathRound_Private(Dini dini, DiniPath *path, PetscReal *step, DiniContinuationReason *reason)
{
  const PetscReal   d = PetscAbsReal(path->fold - path->point[0].m);
  DiniContinuation *c = &dini->continuation;
  PetscBool         good;

  PetscFunctionBegin;
  PetscCall(DiniRoundFind(dini, path, &good));
  PetscCall(PetscInfo(dini, "Continuation: the fold at %g %s\n", (double)path->fold,
                      good ? "has been gone round" : "can not be gone round"));
  *reason = good ? DINI_CONTINUATION_ITERATING : DINI_CONTINUATION_DIVERGED_FOLD;
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  c->fold[c->nfolds++] = path->fold;
  path->sign           = -path->sign;
  path->target         = path->ends[c->nfolds % 2];
  path->zero           = PETSC_INFINITY;
  path->n              = 0; /* what has been foretold belongs to the other side */
  path->ratio[0] = path->ratio[1] = 0.0;
  *step                           = PetscMax(d, path->minstep);
  PetscCall(DiniPathAccept_Private(dini, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}
