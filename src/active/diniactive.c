/*
  Variational inequalities: l <= u <= h, and F_i = 0, or u_i = l_i and F_i > 0, or u_i = h_i and F_i < 0.

  At a solution the entries that a bound holds (the active set A) follow the bound, the others (I) solve F_I(u, m) = 0:

    du_A = d(bound)_A,   J_II du_I = -F_{m,I} dm - J_IA du_A.

  So J of the linear systems is J with rows and columns of A replaced by a diagonal, and what F_m gives on A is dropped. The
  map m -> u has a derivative where no entry is weakly active, at a bound with F_i = 0.
*/
#include "../private/diniactiveimpl.h"

PetscErrorCode DiniActiveDestroy_Private(Dini dini)
{
  DiniActive a = dini->active;

  PetscFunctionBegin;
  if (!a) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SNESDestroy(&a->snes));
  for (int i = 0; i < 2; i++) PetscCall(VecDestroy(&a->copy[i]));
  for (int i = 0; i < 3; i++) PetscCall(VecDestroy(&a->w[i]));
  PetscCall(VecDestroy(&a->s));
  PetscCall(PetscFree2(a->local, a->side));
  PetscCall(ISDestroy(&a->held));
  PetscCall(ISDestroy(&a->weak));
  PetscCall(MatDestroy(&a->J));
  PetscCall(MatDestroy(&a->P));
  PetscCall(MatDestroy(&a->RJ));
  PetscCall(MatDestroy(&a->RP));
  PetscCall(PetscFree(dini->active));
  dini->filter = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What calls from inside calls work in */
static PetscErrorCode DiniActiveWorkVecs(Dini dini, Vec *work[DINI_MAX_WORK], int *n)
{
  PetscFunctionBegin;
  for (int i = 0; i < 3; i++) work[(*n)++] = &dini->active->w[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const DiniFilterOps DiniActiveOps = {.destroy   = DiniActiveDestroy_Private,
                                            .natural   = DiniActiveNatural_Private,
                                            .remember  = DiniActiveRemember_Private,
                                            .unchanged = DiniActiveUnchanged_Private,
                                            .differs   = DiniActiveDiffers_Private,
                                            .shifted   = DiniActiveShifted_Private,
                                            .guard     = DiniActiveGuard_Private,
                                            .reduce    = DiniActiveReduce_Private,
                                            .full      = DiniActiveFull_Private,
                                            .project   = DiniActiveProject_Private,
                                            .part      = DiniActivePart_Private,
                                            .tangent   = DiniActiveTangent_Private,
                                            .adjoint   = DiniActiveAdjoint_Private,
                                            .step      = DiniActiveStep_Private,
                                            .view      = DiniActiveView_Private,
                                            .work      = DiniActiveWorkVecs};

PetscErrorCode DiniActiveCreate_Private(Dini dini, SNES snes)
{
  PetscFunctionBegin;
  PetscCall(DiniActiveDestroy_Private(dini));
  PetscCall(PetscNew(&dini->active));
  PetscCall(PetscObjectReference((PetscObject)snes));
  dini->active->snes = snes;
  dini->filter       = &DiniActiveOps;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The bounds that the solver goes by; a SNES that has not been set up yet may still have to ask its DM for them. */
PetscErrorCode DiniActiveBounds_Private(Dini dini, Vec bounds[2])
{
  SNES snes = dini->active->snes;

  PetscFunctionBegin;
  DiniSNESBounds_Private(snes, bounds);
  if (!bounds[DINI_LOWER] || !bounds[DINI_UPPER]) {
    PetscCall(SNESSetSolution(snes, dini->u ? dini->u : dini->r)); /* SNESSetUp() wants a layout */
    PetscCall(SNESSetUp(snes));
    DiniSNESBounds_Private(snes, bounds);
  }
  PetscCheck(bounds[DINI_LOWER] && bounds[DINI_UPPER], PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "The SNES has no bounds; call SNESVISetVariableBounds()");
  for (int i = 0; i < 2; i++) PetscCall(DiniCheckState_Private(dini, bounds[i], "A bound of the SNES"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniActiveWork(Dini dini)
{
  DiniActive a = dini->active;

  PetscFunctionBegin;
  if (a->s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(dini->r, &a->s));
  for (int i = 0; i < 2; i++) PetscCall(VecDuplicate(dini->r, &a->copy[i]));
  for (int i = 0; i < 3; i++) PetscCall(VecDuplicate(dini->r, &a->w[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The reduced space method takes an entry within this distance for one at its bound. */
static PetscErrorCode DiniActiveTolerance(SNES snes, PetscReal *tolerance)
{
  PetscBool rs;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)snes, SNESVINEWTONRSLS, &rs));
  *tolerance = rs ? DiniSNESBoundTolerance_Private(snes) : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- One entry ---- */

typedef struct {
  PetscReal F, gap[2]; /* F_i, and s_i (u_i - l_i), s_i (h_i - u_i): all in units of F */
  PetscBool fixed;     /* l_i = h_i */
} DiniEntry;

static PetscReal DiniActiveGap(PetscReal s, PetscReal distance, PetscReal tolerance)
{
  return s * (distance <= tolerance ? PetscMin(distance, 0.0) : distance);
}

static DiniEntry DiniActiveEntry(PetscScalar u, PetscScalar F, PetscScalar l, PetscScalar h, PetscReal s,
                                 PetscReal zero)
{
  const PetscReal x = PetscRealPart(u), lower = PetscRealPart(l), upper = PetscRealPart(h);
  DiniEntry       e;

  e.F               = PetscRealPart(F);
  e.gap[DINI_LOWER] = lower <= PETSC_NINFINITY ? PETSC_INFINITY : DiniActiveGap(s, x - lower, zero);
  e.gap[DINI_UPPER] = upper >= PETSC_INFINITY ? PETSC_INFINITY : DiniActiveGap(s, upper - x, zero);
  e.fixed           = (PetscBool)(lower > PETSC_NINFINITY && lower == upper);
  return e;
}

/* Zero at a solution: the middle one of s (u - h), F and s (u - l) */
static PetscReal DiniActiveNatural(DiniEntry e)
{
  return e.fixed ? e.gap[DINI_LOWER] : PetscMax(-e.gap[DINI_UPPER], PetscMin(e.gap[DINI_LOWER], e.F));
}

/* What F and the distance to the bounds say of an entry, where neither counts below tau */
static void DiniClassify_Active(DiniEntry e, PetscReal tau, PetscBool *held, PetscBool *weak, DiniSide *side)
{
  const PetscReal below = e.gap[DINI_LOWER], above = e.gap[DINI_UPPER];

  *side = PetscAbsReal(below) <= PetscAbsReal(above) ? DINI_LOWER : DINI_UPPER;
  *held = *weak = PETSC_FALSE;
  if (e.fixed) {
    *held = PETSC_TRUE; /* by the bound that F pushes against: the one whose change would be felt */
    *side = e.F >= 0.0 ? DINI_LOWER : DINI_UPPER;
  } else if (PetscAbsReal(e.F) <= tau && PetscMin(PetscAbsReal(below), PetscAbsReal(above)) <= tau) *weak = PETSC_TRUE;
  else if (e.F > 0.0 && below < e.F) {
    *held = PETSC_TRUE;
    *side = DINI_LOWER;
  } else if (e.F < 0.0 && above < -e.F) {
    *held = PETSC_TRUE;
    *side = DINI_UPPER;
  }
}

/* ---- The state ---- */

/* F becomes the natural residual of the inequality, which is zero at a solution; scale: units of F per unit of u */
PetscErrorCode DiniActiveNatural_Private(Dini dini, Vec u, Vec F, PetscReal scale)
{
  const PetscScalar *x, *l, *h;
  PetscScalar       *f;
  PetscReal          zero = 0.0;
  Vec                bounds[2];

  PetscFunctionBegin;
  if (!dini->active) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniActiveBounds_Private(dini, bounds));
  PetscCall(DiniActiveTolerance(dini->active->snes, &zero));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayRead(bounds[DINI_LOWER], &l));
  PetscCall(VecGetArrayRead(bounds[DINI_UPPER], &h));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < dini->n; i++) f[i] = DiniActiveNatural(DiniActiveEntry(x[i], f[i], l[i], h[i], scale, zero));
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(bounds[DINI_UPPER], &h));
  PetscCall(VecRestoreArrayRead(bounds[DINI_LOWER], &l));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The bounds belong to the point as m does. */
PetscErrorCode DiniActiveRemember_Private(Dini dini)
{
  Vec bounds[2];

  PetscFunctionBegin;
  if (!dini->active) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniActiveWork(dini));
  PetscCall(DiniActiveBounds_Private(dini, bounds));
  for (int i = 0; i < 2; i++) PetscCall(VecCopy(bounds[i], dini->active->copy[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* s = |J_ii|, the largest one of its component where it is zero; u of mixed fields has one component a field */
static PetscErrorCode DiniActiveScale(Dini dini, Mat J, PetscInt bs, PetscReal largest[])
{
  DiniActive   a = dini->active;
  PetscReal   *mine, sum = 0.0, all;
  PetscScalar *s;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(bs, &mine));
  PetscCall(MatGetDiagonal(J, a->s));
  PetscCall(VecGetArray(a->s, &s));
  for (PetscInt i = 0; i < dini->n; i++) {
    mine[i % bs] = PetscMax(mine[i % bs], PetscAbsScalar(s[i]));
    sum += PetscAbsScalar(s[i]);
  }
  PetscCall(MPIU_Allreduce(mine, largest, (PetscMPIInt)bs, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  for (PetscInt i = 0; i < dini->n; i++) {
    s[i] = PetscAbsScalar(s[i]);
    if (PetscRealPart(s[i]) == 0.0) s[i] = largest[i % bs] > 0.0 ? largest[i % bs] : 1.0;
  }
  PetscCall(VecRestoreArray(a->s, &s));
  PetscCall(MPIU_Allreduce(&sum, &all, 1, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dini)));
  a->diagonal = all > 0.0 ? all / (PetscReal)dini->N : 1.0;
  PetscCall(PetscFree(mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Below which F_i and s_i (u_i - l_i) say nothing, a component at a time: what the forward solve has left of the natural
  residual, ten times over, rounding in F, and -dini_weak_activity_rtol of s_i |u|. The last as a factor of s_i.
*/
static PetscErrorCode DiniActiveNoise(Dini dini, PetscInt bs, const DiniEntry entry[], const PetscScalar u[],
                                      PetscReal noise[], PetscReal factor[])
{
  PetscReal *mine, *all;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(3 * bs, &mine, 3 * bs, &all));
  for (PetscInt i = 0; i < dini->n; i++) {
    PetscReal *m = mine + (size_t)3 * (size_t)(i % bs);

    m[0] = PetscMax(m[0], PetscAbsReal(DiniActiveNatural(entry[i])));
    m[1] = PetscMax(m[1], PetscAbsReal(entry[i].F));
    m[2] = PetscMax(m[2], PetscAbsScalar(u[i]));
  }
  PetscCall(MPIU_Allreduce(mine, all, (PetscMPIInt)(3 * bs), MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  for (PetscInt c = 0; c < bs; c++) {
    const PetscReal *a = all + (size_t)3 * (size_t)c;

    noise[c]  = 10.0 * a[0] + 100.0 * PETSC_MACHINE_EPSILON * a[1];
    factor[c] = dini->weakrtol * a[2];
  }
  PetscCall(PetscFree2(mine, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Order is a matter of real numbers: in complex builds, of a real problem. */
static PetscErrorCode DiniActiveReal(Dini dini, Vec F)
{
#if defined(PETSC_USE_COMPLEX)
  const Vec          v[2] = {dini->u, F};
  const PetscScalar *x;
  PetscReal          mine[4] = {0.0, 0.0, 0.0, 0.0}, all[4];

  PetscFunctionBegin;
  for (int k = 0; k < 2; k++) {
    PetscCall(VecGetArrayRead(v[k], &x));
    for (PetscInt i = 0; i < dini->n; i++) {
      mine[2 * k]     = PetscMax(mine[2 * k], PetscAbsScalar(x[i]));
      mine[2 * k + 1] = PetscMax(mine[2 * k + 1], PetscAbsReal(PetscImaginaryPart(x[i])));
    }
    PetscCall(VecRestoreArrayRead(v[k], &x));
  }
  PetscCall(MPIU_Allreduce(mine, all, 4, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  for (int k = 0; k < 2; k++)
    PetscCheck(all[2 * k + 1] <= 1e-6 * all[2 * k], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
               "A variational inequality orders real numbers, but %s has imaginary parts of up to %g: PETSc compares "
               "real parts only, and u(m) has no derivative in a complex sense. Split real and imaginary parts",
               k ? "F(u, m)" : "u", (double)all[2 * k + 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
#else
  PetscFunctionBegin;
  (void)dini;
  (void)F;
  PetscFunctionReturn(PETSC_SUCCESS);
#endif
}

/* The lists and index sets of entries that are held and of those that are weakly active */
static PetscErrorCode DiniActiveCollect(Dini dini, PetscInt bs, const DiniEntry entry[], const PetscReal noise[],
                                        const PetscReal factor[])
{
  const MPI_Comm     comm  = PetscObjectComm((PetscObject)dini);
  DiniActive         a     = dini->active;
  PetscInt           nweak = 0, first, *held, *weak, mine[2];
  const PetscScalar *s;

  PetscFunctionBegin;
  PetscCall(PetscFree2(a->local, a->side));
  PetscCall(PetscMalloc2(dini->n, &a->local, dini->n, &a->side));
  PetscCall(PetscMalloc2(dini->n, &held, dini->n, &weak));
  PetscCall(VecGetOwnershipRange(dini->u, &first, NULL));
  PetscCall(VecGetArrayRead(a->s, &s));
  a->n = 0;
  for (PetscInt i = 0; i < dini->n; i++) {
    PetscBool isheld, isweak;
    DiniSide  side;

    DiniClassify_Active(entry[i], noise[i % bs] + factor[i % bs] * PetscRealPart(s[i]), &isheld, &isweak, &side);
    if (isweak) weak[nweak++] = first + i;
    if (isheld || (isweak && dini->weakactivity == DINI_WEAK_ACTIVITY_ACTIVE)) {
      held[a->n]      = first + i;
      a->local[a->n]  = i;
      a->side[a->n++] = side;
    }
  }
  PetscCall(VecRestoreArrayRead(a->s, &s));
  PetscCall(ISDestroy(&a->held));
  PetscCall(ISDestroy(&a->weak));
  PetscCall(ISCreateGeneral(comm, a->n, held, PETSC_COPY_VALUES, &a->held));
  PetscCall(ISCreateGeneral(comm, nweak, weak, PETSC_COPY_VALUES, &a->weak));
  PetscCall(PetscFree2(held, weak));
  mine[0] = a->n;
  mine[1] = nweak;
  PetscCall(MPIU_Allreduce(mine, a->counts, 2, MPIU_INT, MPI_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which entries are held at the point? J gives the scale on which u - l and F compare. */
PetscErrorCode DiniActiveFind_Private(Dini dini, Mat J)
{
  DiniActive         a = dini->active;
  const PetscScalar *u, *f, *s, *l, *h;
  PetscInt           bs;
  PetscReal          zero = 0.0, *noise, *factor;
  DiniEntry         *entry;

  PetscFunctionBegin;
  PetscCall(DiniResidual_Private(dini, dini->u, a->w[0], NULL));
  PetscCall(DiniActiveReal(dini, a->w[0]));
  PetscCall(VecGetBlockSize(dini->u, &bs));
  PetscCall(PetscMalloc3(bs, &noise, bs, &factor, dini->n, &entry));
  PetscCall(DiniActiveScale(dini, J, bs, noise));
  PetscCall(DiniActiveTolerance(a->snes, &zero));
  PetscCall(VecGetArrayRead(dini->u, &u));
  PetscCall(VecGetArrayRead(a->w[0], &f));
  PetscCall(VecGetArrayRead(a->s, &s));
  PetscCall(VecGetArrayRead(a->copy[DINI_LOWER], &l));
  PetscCall(VecGetArrayRead(a->copy[DINI_UPPER], &h));
  for (PetscInt i = 0; i < dini->n; i++) entry[i] = DiniActiveEntry(u[i], f[i], l[i], h[i], PetscRealPart(s[i]), zero);
  PetscCall(DiniActiveNoise(dini, bs, entry, u, noise, factor));
  PetscCall(VecRestoreArrayRead(a->copy[DINI_UPPER], &h));
  PetscCall(VecRestoreArrayRead(a->copy[DINI_LOWER], &l));
  PetscCall(VecRestoreArrayRead(a->s, &s));
  PetscCall(VecRestoreArrayRead(a->w[0], &f));
  PetscCall(VecRestoreArrayRead(dini->u, &u));
  PetscCall(DiniActiveCollect(dini, bs, entry, noise, factor));
  PetscCall(PetscFree3(noise, factor, entry));
  PetscCall(PetscInfo(dini,
                      "Variational inequality: %" PetscInt_FMT " of %" PetscInt_FMT " entries are held at a bound, "
                      "%" PetscInt_FMT " are weakly active and treated as %s\n",
                      a->counts[0], dini->N, a->counts[1],
                      dini->weakactivity == DINI_WEAK_ACTIVITY_ACTIVE ? "active" : "inactive"));
  PetscFunctionReturn(PETSC_SUCCESS);
}
