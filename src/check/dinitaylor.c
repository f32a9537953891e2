/* Taylor remainders of the tangent and of the gradient along one block, against solves beside the point. */
#include "../private/dinicheckimpl.h"

#define TAYLOR_ROWS   5
#define TAYLOR_LARGE  1e-2 /* first step, relative to the parameters */
#define TAYLOR_FACTOR 4.0

#define TAYLOR_AGREEMENT 1e-3 /* of a remainder that is all noise with the change itself, to be called right */

typedef struct {
  PetscReal h;
  PetscReal r0, r1, noise; /* zeroth- and first-order remainder, and the error of the forward solves in them */
} DiniTaylorRow;

/* The step that one more Newton iteration would take: the error of u */
PetscErrorCode DiniCheckError_Private(Dini dini, Vec u, PetscReal *error, Vec correction)
{
  Vec       F;
  PetscBool good;
  PetscReal unorm;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(u, &F));
  PetscCall(DiniComputeResidual(dini, u, F));
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniFilterStep_Private(dini, u, F));
  PetscCall(DiniLinearSolve_Private(dini, DINI_TANGENT, F, correction, &good));
  PetscCall(DiniNorm_Private(correction, error));
  PetscCall(DiniNorm_Private(u, &unorm));
  PetscCall(VecDestroy(&F));
  *error += 100.0 * PETSC_MACHINE_EPSILON * unorm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J(u) at the parameters that are set, and dJ/du: the application's objective, or Re <w, u> */
static PetscErrorCode DiniTaylorValue(Dini dini, DiniChecking *check, Vec u, PetscReal *value)
{
  PetscScalar dot;

  PetscFunctionBegin;
  PetscCall(DiniGhosts_Private(u));
  if (dini->objective)
    DiniCallUserOpen(dini, DINI_DOOR_DERIVATIVES, "The objective callback (DiniSetObjective())",
                     (*dini->objective->value)(dini, u, value, dini->objective->ctx));
  else {
    PetscCall(VecDot(u, check->w, &dot));
    *value = PetscRealPart(dot);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTaylorPartials(Dini dini, DiniChecking *check, Vec u, Vec dJdu, Vec dJdm)
{
  PetscFunctionBegin;
  PetscCall(VecSet(dJdu, 0.0));
  PetscCall(VecSet(dJdm, 0.0));
  PetscCall(DiniGhosts_Private(u));
  if (!dini->objective) PetscCall(VecCopy(check->w, dJdu));
  else
    DiniCallUserOpen(dini, DINI_DOOR_DERIVATIVES, "The objective gradient callback (DiniSetObjective())",
                     (*dini->objective->gradient)(dini, u, dJdu, dJdm, dini->objective->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Re <g, dm> with the reduced gradient g at the point, and dJ/du there */
static PetscErrorCode DiniTaylorSlope(Dini dini, DiniChecking *check, Vec dm, Vec dJdu, PetscReal *slope)
{
  Vec         dJdm, g;
  PetscScalar dot;
  PetscBool   good; /* else an error, or NaN, of which no remainder is of any order */

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dm, &dJdm));
  PetscCall(VecDuplicate(dm, &g));
  PetscCall(DiniTaylorPartials(dini, check, check->u, dJdu, dJdm));
  PetscCall(DiniVJP_Private(dini, DINI_ADJOINT_HERMITIAN, dJdu, g, &good));
  PetscCall(VecAXPY(g, 1.0, dJdm));
  PetscCall(VecDot(dm, g, &dot));
  *slope = PetscRealPart(dot);
  PetscCall(VecDestroy(&dJdm));
  PetscCall(VecDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Right derivatives leave remainders of order 2 until the error of the forward solves shows. Rows above that error give the
  order; where there are too few, a first-order remainder far below the zeroth-order one is as good an answer.
*/
static PetscErrorCode DiniTaylorVerdict(Dini dini, DiniChecking *check, const DiniTaylorRow row[], PetscInt n,
                                        const char name[], const char whose[])
{
  PetscReal   order = -1.0, agreement = PETSC_MAX_REAL, noise = 0.0;
  PetscInt    usable = 0;
  DiniVerdict verdict;
  char        what[256];

  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++) {
    if (row[k].r0 > 0.0) agreement = PetscMin(agreement, PetscMax(row[k].r1, row[k].noise) / row[k].r0);
    else agreement = PetscMin(agreement, row[k].r1 > 0.0 ? 1.0 : 0.0);
    if (row[k].r0 > 0.0 && (noise == 0.0 || row[k].noise / row[k].r0 < noise)) noise = row[k].noise / row[k].r0;
    if (row[k].r1 <= 10.0 * row[k].noise) continue;
    if (usable && row[k].r1 > 0.0)
      order = PetscLogReal(row[k - 1].r1 / row[k].r1) / PetscLogReal(row[k - 1].h / row[k].h);
    usable++;
  }
  if (usable >= 2) {
    verdict = order > 1.7 || agreement <= 1e-6 ? DINI_VERDICT_OK : DINI_VERDICT_WRONG;
    PetscCall(PetscSNPrintf(what, sizeof(what), "%s by \"%s\", Taylor order %.2f", whose, name, (double)order));
  } else {
    verdict       = agreement <= TAYLOR_AGREEMENT ? DINI_VERDICT_OK : DINI_VERDICT_LOOSE;
    check->excess = n > 0 ? PetscMax(10.0, 10.0 * noise / TAYLOR_AGREEMENT) : 0.0;
    if (!n) PetscCall(PetscSNPrintf(what, sizeof(what), "%s by \"%s\"", whose, name));
    else
      PetscCall(PetscSNPrintf(what, sizeof(what),
                              "%s by \"%s\", agrees with differences to %.1e, the error of the forward solves", whose,
                              name, (double)agreement));
  }
  PetscCall(DiniCheckVerdict_Private(dini, check, verdict, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTaylorPrint(DiniChecking *check, const DiniTaylorRow u[], const DiniTaylorRow J[], PetscInt n)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(
      check->viewer, "       h   |u(h) - u|  |u(h) - u - h du|  order   |J(h) - J|  |J(h) - J - h <g, dm>|  order\n"));
  for (PetscInt k = 0; k < n; k++) {
    char ou[16] = "     ", oJ[16] = "     ";

    if (k && u[k].r1 > 0.0 && u[k - 1].r1 > 0.0)
      PetscCall(PetscSNPrintf(ou, sizeof(ou), "%5.2f",
                              (double)(PetscLogReal(u[k - 1].r1 / u[k].r1) / PetscLogReal(u[k - 1].h / u[k].h))));
    if (k && J[k].r1 > 0.0 && J[k - 1].r1 > 0.0)
      PetscCall(PetscSNPrintf(oJ, sizeof(oJ), "%5.2f",
                              (double)(PetscLogReal(J[k - 1].r1 / J[k].r1) / PetscLogReal(J[k - 1].h / J[k].h))));
    PetscCall(PetscViewerASCIIPrintf(check->viewer, "%.2e   %.3e        %.3e    %s    %.3e            %.3e    %s\n",
                                     (double)u[k].h, (double)u[k].r0, (double)u[k].r1, ou, (double)J[k].r0,
                                     (double)J[k].r1, oJ));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCheckHasValues(Vec u, PetscBool *finite)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(u, &norm));
  *finite = (PetscBool)!PetscIsInfOrNanReal(norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTaylor(Dini dini, DiniChecking *check, PetscInt p, Vec work[6])
{
  DiniTaylorRow urow[TAYLOR_ROWS], Jrow[TAYLOR_ROWS];
  Vec           dm = work[0], m = work[1], du = work[2], dJdu = work[3], u = work[4], d = work[5];
  PetscReal     slope, value0, value, error, scale;
  PetscScalar   dot, dot0 = 0.0;
  PetscInt      n = 0;
  const char   *name;
  PetscBool     good, finite = PETSC_FALSE, policy = dini->erroriffail,
                  testJ = (PetscBool)(!dini->objective || dini->objective->gradient);

  PetscFunctionBegin;
  PetscCall(DiniGetParameter(dini, p, &name, NULL));
  PetscCall(DiniCheckDirection_Private(dini, p, dm));
  PetscCall(DiniJVP(dini, dm, du));
  slope = value0 = value = 0.0;
  if (testJ) PetscCall(DiniTaylorValue(dini, check, check->u, &value0));
  if (testJ) PetscCall(DiniTaylorSlope(dini, check, dm, dJdu, &slope));
  if (testJ) { /* what the forward solve of the point itself has left in J */
    PetscCall(DiniCheckError_Private(dini, check->u, &error, d));
    PetscCall(VecDot(d, dJdu, &dot0));
  }
  for (PetscInt k = 0; k < TAYLOR_ROWS; k++) {
    const PetscReal h = TAYLOR_LARGE * PetscPowReal(TAYLOR_FACTOR, -(PetscReal)k);

    PetscCall(VecWAXPY(m, h, dm, check->m));
    PetscCall(DiniSetParameters(dini, m));
    PetscCall(VecCopy(check->u, u));
    dini->erroriffail = PETSC_FALSE;
    PetscCall(DiniSolve_Private(dini, u, &good));
    if (!good) { /* by a tolerance below rounding, say: what it has left is measured below */
      PetscCall(DiniCheckHasValues(u, &finite));
      if (finite) PetscCall(DiniAttach_Private(dini, u, &good));
    }
    dini->erroriffail = policy;
    if (!good) continue; /* too far for the forward solver */
    if (testJ) PetscCall(DiniTaylorValue(dini, check, u, &value));
    PetscCall(DiniCheckError_Private(dini, u, &error, d));
    PetscCall(VecDot(d, dJdu, &dot));
    urow[n].h = Jrow[n].h = h;
    urow[n].noise         = error + check->error;
    PetscCall(VecWAXPY(d, -1.0, check->u, u));
    PetscCall(DiniNorm_Private(d, &urow[n].r0));
    PetscCall(VecAXPY(d, -h, du));
    PetscCall(DiniNorm_Private(d, &urow[n].r1));
    PetscCall(DiniNorm_Private(dJdu, &scale));
    Jrow[n].r0    = PetscAbsReal(value - value0);
    Jrow[n].r1    = PetscAbsReal(value - value0 - h * slope);
    Jrow[n].noise = PetscMax(PetscAbsScalar(dot) + PetscAbsScalar(dot0), 1e-2 * scale * urow[n].noise) +
                    10.0 * PETSC_MACHINE_EPSILON * (PetscAbsReal(value) + PetscAbsReal(value0));
    n++;
  }
  /* back to the point, for the next block */
  PetscCall(DiniSetParameters(dini, check->m));
  dini->fsolve = check->fpoint;
  PetscCall(DiniSetPoint_Private(dini, check->home));
  PetscCall(DiniTaylorPrint(check, urow, Jrow, n));
  PetscCall(DiniTaylorVerdict(dini, check, urow, n, name, "tangent"));
  if (testJ) PetscCall(DiniTaylorVerdict(dini, check, Jrow, n, name, "gradient"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solves beside the point may fail, and lose nothing then */
PetscErrorCode DiniCheckTaylor_Private(Dini dini, DiniChecking *check, PetscInt p)
{
  Vec            work[6];
  PetscErrorCode failed;

  PetscFunctionBegin;
  for (int k = 0; k < 6; k++) PetscCall(VecDuplicate(k < 2 ? check->m : check->u, &work[k]));
  failed = DiniTaylor(dini, check, p, work);
  for (int k = 0; k < 6; k++) PetscCall(VecDestroy(&work[k]));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
