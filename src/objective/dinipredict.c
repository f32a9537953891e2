/*
  Initial guesses for the state at new parameters m + dm: the tangent's u + (du/dm) dm, or, where the system is linear and a
  tangent solve would cost what it saves, secants through the last states.
*/
#include "../private/diniimpl.h"

#define DINI_PREDICT_RTOL 1e-1 /* of a guess that is second order in dm anyway */

/* ---- Secants ---- */

PetscErrorCode DiniHistoryReset_Private(Dini dini)
{
  DiniHistory *history = &dini->history;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < history->n; j++) {
    PetscCall(VecDestroy(&history->u[j]));
    PetscCall(VecDestroy(&history->m[j]));
  }
  history->n = 0;
  PetscCall(VecDestroy(&history->lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The point the Dini stands at becomes the newest one; the oldest goes */
static PetscErrorCode DiniHistoryAdd(Dini dini, Vec u, Vec m)
{
  DiniHistory   *history = &dini->history;
  const PetscInt last    = DINI_HISTORY - 1;
  Vec            oldest[2];

  PetscFunctionBegin;
  if (history->n <= last) {
    PetscCall(VecDuplicate(u, &history->u[history->n]));
    PetscCall(VecDuplicate(m, &history->m[history->n]));
    history->n++;
  }
  oldest[0] = history->u[history->n - 1];
  oldest[1] = history->m[history->n - 1];
  for (PetscInt j = history->n - 1; j > 0; j--) {
    history->u[j] = history->u[j - 1];
    history->m[j] = history->m[j - 1];
  }
  history->u[0] = oldest[0];
  history->m[0] = oldest[1];
  PetscCall(VecCopy(u, history->u[0]));
  PetscCall(VecCopy(m, history->m[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  G c = b for the Gram matrix G of n vectors, g[i][j] = s_i^H s_j for j <= i, by Cholesky; overwrites both. A vector that the
  ones before it all but span is left out, c = 0: it has nothing new, and rounding errors.
*/
static PetscErrorCode DiniSolveGram(PetscInt n, PetscScalar g[][DINI_HISTORY], PetscScalar b[])
{
  PetscBool used[DINI_HISTORY] = {PETSC_FALSE};

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal size = PetscRealPart(g[i][i]);
    PetscReal       left = size;

    for (PetscInt j = 0; j < i; j++) {
      if (!used[j]) continue;
      for (PetscInt k = 0; k < j; k++)
        if (used[k]) g[i][j] -= g[i][k] * PetscConj(g[j][k]);
      g[i][j] /= g[j][j];
      left -= PetscRealPart(g[i][j] * PetscConj(g[i][j]));
      b[i] -= g[i][j] * b[j];
    }
    used[i] = (PetscBool)(left > 1e-6 * size);
    if (!used[i]) continue;
    g[i][i] = PetscSqrtReal(left);
    b[i] /= g[i][i];
  }
  for (PetscInt i = n - 1; i >= 0; i--) {
    if (!used[i]) {
      b[i] = 0.0;
      continue;
    }
    b[i] /= g[i][i];
    for (PetscInt j = 0; j < i; j++)
      if (used[j]) b[j] -= PetscConj(g[i][j]) * b[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du = sum_j c_j (u_j - u) for the c that bring sum_j c_j s_j, s_j = m_j - m, nearest to dm */
static PetscErrorCode DiniSecants(DiniHistory *history, Vec u, Vec m, Vec dm, Vec s[], Vec du)
{
  const PetscInt n = history->n;
  PetscScalar    g[DINI_HISTORY][DINI_HISTORY], c[DINI_HISTORY], sum = 0.0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(VecWAXPY(s[i], -1.0, m, history->m[i]));
    PetscCall(VecMDot(s[i], i + 1, s, g[i])); /* s_j^H s_i */
    for (PetscInt j = 0; j < i; j++) g[i][j] = PetscConj(g[i][j]);
  }
  PetscCall(VecMDot(dm, n, s, c));
  PetscCall(DiniSolveGram(n, g, c));
  for (PetscInt i = 0; i < n; i++) sum += c[i];
  PetscCall(VecCopy(u, du));
  PetscCall(VecScale(du, -sum));
  PetscCall(VecMAXPY(du, n, c, history->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *du is NULL where there is no history yet */
static PetscErrorCode DiniPredictBySecants(Dini dini, Vec u, Vec dm, Vec *du)
{
  const PetscInt n = dini->history.n;
  Vec            m, *s;

  PetscFunctionBegin;
  *du = NULL;
  PetscCall(DiniCreateParameterVec(dini, &m));
  if (n) {
    PetscCall(VecDuplicateVecs(m, n, &s));
    PetscCall(VecDuplicate(u, du));
    PetscCall(DiniSecants(&dini->history, u, m, dm, s, *du));
    PetscCall(VecDestroyVecs(n, &s));
  }
  PetscCall(DiniHistoryAdd(dini, u, m));
  PetscCall(VecDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- The tangent ---- */

/* *du is NULL when the tangent solve fails */
static PetscErrorCode DiniPredictByTangent(Dini dini, Vec u, Vec dm, Vec *du)
{
  const PetscBool policy = dini->erroriffail;
  PetscReal       rtol;
  PetscErrorCode  failed;
  DiniTolerances  before;
  PetscBool       good;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(u, du));
  PetscCall(DiniGetTolerances(dini, &rtol, NULL));
  PetscCall(DiniEngineUseTolerances_Private(dini->engine, PetscMax(rtol, DINI_PREDICT_RTOL), 0.0, &before));
  dini->erroriffail = PETSC_FALSE;
  failed            = DiniJVP_Private(dini, dm, *du, &good);
  dini->erroriffail = policy;
  PetscCall(DiniEngineRestoreTolerances_Private(dini->engine, &before));
  if (failed || !good) PetscCall(VecDestroy(du));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *guess is NULL where nothing can be predicted; it never fails an optimisation */
PetscErrorCode DiniPredict_Private(Dini dini, Vec m, Vec *guess)
{
  PetscErrorCode failed;
  PetscBool      same, linear;
  Vec            u, dm;

  PetscFunctionBegin;
  *guess = NULL;
  PetscCall(DiniGetSolution(dini, &u));
  if (!u || u != dini->state) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecEqual(u, dini->ucopy, &same));
  if (!same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINIKSP, &linear));
  PetscCall(DiniCreateParameterVec(dini, &dm));
  PetscCall(VecAYPX(dm, -1.0, m));
  failed = linear ? DiniPredictBySecants(dini, u, dm, guess) : DiniPredictByTangent(dini, u, dm, guess);
  PetscCall(VecDestroy(&dm));
  PetscCall(failed);
  if (!*guess) PetscFunctionReturn(PETSC_SUCCESS);
  dini->stats.predictions++;
  PetscCall(VecAXPY(*guess, 1.0, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}
