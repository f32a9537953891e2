/*
  The guards once more, part by part: fields of the state, components of a block.

  Along a direction in all of them a row of F sees little but the part of the largest numbers, and a derivative in another one
  could be anything. Along a direction in one part each row sees that one alone: one pair of residuals for each, where nothing
  is amiss. Products are taken before F is evaluated beside the point, which may write into a matrix.
*/
#include "../private/diniguardimpl.h"

/* The parts of the state, as the application has said, else by size; J: of which the engine need not know yet. To be destroyed */
PetscErrorCode DiniPartsOfState_Private(Dini dini, Mat J, DiniParts *parts)
{
  PetscFunctionBegin;
  *parts = (DiniParts){.n = 1};
  if (dini->ops->jvp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineDeclared_Private(dini->engine, J, &parts->n, &parts->field));
  if (parts->n < 2) PetscCall(DiniPartsOfSizes_Private(dini->u, DINI_NOUGHT, parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those of a block: components of its block size, else the fields of the state where it is laid out like it, else by size */
PetscErrorCode DiniPartsOfBlock_Private(Dini dini, DiniParameter par, DiniParts *parts)
{
  Mat       J, P;
  PetscInt  bs;
  PetscBool mine, same;

  PetscFunctionBegin;
  PetscCall(VecGetBlockSize(par->m, &bs));
  *parts = (DiniParts){.n = bs <= DINI_MAX_PARTS ? PetscMax(bs, 1) : 1};
  if (bs > 1) PetscFunctionReturn(PETSC_SUCCESS);
  mine = (PetscBool)(par->n == dini->n);
  PetscCall(MPIU_Allreduce(&mine, &same, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  if (same && !dini->ops->jvp) {
    PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
    PetscCall(DiniEngineDeclared_Private(dini->engine, J, &parts->n, &parts->field));
  }
  if (parts->n < 2) PetscCall(DiniPartsOfSizes_Private(par->copy, 0.0, parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPartName_Private(Dini dini, const DiniParts *parts, PetscInt k, char name[], size_t size)
{
  PetscFunctionBegin;
  if (parts->group) PetscCall(PetscSNPrintf(name, size, "the entries of about %.0e", (double)parts->typical[k]));
  else if (parts->field) PetscCall(PetscSNPrintf(name, size, "field %s", DiniEngineFieldName_Private(dini->engine, k)));
  else
    PetscCall(
        PetscSNPrintf(name, size, "component %" PetscInt_FMT " of the %" PetscInt_FMT " in a block", k, parts->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* to: from in part k, else zero */
PetscErrorCode DiniPartOnly_Private(const DiniParts *parts, PetscInt k, Vec from, Vec to)
{
  PetscScalar *a;
  PetscInt     n;

  PetscFunctionBegin;
  PetscCall(VecCopy(from, to));
  PetscCall(VecGetLocalSize(to, &n));
  PetscCall(VecGetArray(to, &a));
  for (PetscInt i = 0; i < n; i++)
    if ((parts->field ? parts->field[i] : i % parts->n) != k) a[i] = 0.0;
  PetscCall(VecRestoreArray(to, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* terms = max(terms, |y|), entry by entry, of nests too */
static PetscErrorCode DiniPartTerms(Vec y, Vec terms)
{
  const PetscScalar *b;
  PetscScalar       *a;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(terms, &n));
  PetscCall(VecGetArrayRead(y, &b));
  PetscCall(VecGetArray(terms, &a));
  for (PetscInt i = 0; i < n; i++) a[i] = PetscMax(PetscAbsScalar(a[i]), PetscAbsScalar(b[i]));
  PetscCall(VecRestoreArray(terms, &a));
  PetscCall(VecRestoreArrayRead(y, &b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ax = A x, zero for no A */
static PetscErrorCode DiniPartMult(Mat A, Vec x, Vec Ax)
{
  PetscFunctionBegin;
  if (A) PetscCall(MatMult(A, x, Ax));
  else PetscCall(VecSet(Ax, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPartNorm(const DiniParts *parts, PetscInt k, Vec x, Vec work, PetscReal *norm)
{
  PetscFunctionBegin;
  PetscCall(DiniPartOnly_Private(parts, k, x, work));
  PetscCall(DiniNorm_Private(work, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <w, A v> = <A^H w, v> for w in a field of the rows and v in a part, as DiniTestTranspose_Private() asks of all together */
static PetscErrorCode DiniPartTranspose(Dini dini, Mat A, const DiniParts *rows, PetscInt f, Vec v, Vec work[4],
                                        DiniPartProducts *p)
{
  Vec         w = work[0], AHw = work[1], only = work[2], left = work[3];
  PetscScalar forward, adjoint;
  PetscReal   nw, nAHw, nv, nAv;
  char        name[2][80];

  PetscFunctionBegin;
  PetscCall(VecSet(left, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 2, left, left));
  PetscCall(DiniPartOnly_Private(rows, f, left, w));
  PetscCall(DiniNorm_Private(w, &nw));
  PetscCall(MatMultHermitianTranspose(A, w, AHw));
  for (PetscInt k = 0; k < p->parts.n; k++) {
    DiniTransposeTest test;

    PetscCall(VecDot(p->y[k], w, &forward));
    PetscCall(DiniPartNorm(rows, f, p->y[k], left, &nAv));
    PetscCall(DiniPartNorm(&p->parts, k, AHw, only, &nAHw));
    PetscCall(DiniPartNorm(&p->parts, k, v, only, &nv));
    PetscCall(VecDot(only, AHw, &adjoint));
    test = (DiniTransposeTest){PetscAbsScalar(forward - adjoint), PetscMax(nw * nAv, nv * nAHw)};
    if (!(test.apart > 1e-8 * test.size) || test.apart * p->test.size <= p->test.apart * test.size) continue;
    PetscCall(DiniPartName_Private(dini, rows, f, name[0], sizeof(name[0])));
    PetscCall(DiniPartName_Private(dini, &p->parts, k, name[1], sizeof(name[1])));
    PetscCall(
        PetscSNPrintf(p->between, sizeof(p->between), ", of its rows in %s and its columns in %s,", name[0], name[1]));
    p->test = test;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing for matrices whose entries can be read: one product tells of these */
static PetscErrorCode DiniPartTransposes(Dini dini, Mat A, Vec v, DiniPartProducts *p)
{
  Mat       J, P;
  Vec       work[4];
  DiniParts rows;
  PetscBool entries, transposes;

  PetscFunctionBegin;
  p->test = (DiniTransposeTest){0.0, 1.0};
  if (!A || dini->ops->jvp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatHasOperation(A, MATOP_GET_ROW, &entries));
  PetscCall(DiniHasAdjoint_Private(A, &transposes));
  if (entries || !transposes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  PetscCall(DiniPartsOfState_Private(dini, J, &rows));
  for (int i = 0; i < 4; i++) PetscCall(VecDuplicate(i == 1 || i == 2 ? v : p->terms, &work[i]));
  for (PetscInt f = 0; f < rows.n; f++) PetscCall(DiniPartTranspose(dini, A, &rows, f, v, work, p));
  for (int i = 0; i < 4; i++) PetscCall(VecDestroy(&work[i]));
  PetscCall(DiniPartsDestroy_Private(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Along v and w in groups by size, as far as these are large: copies, and products with them where there are any */
static PetscErrorCode DiniPartDirections(Mat A, DiniPartProducts *p, Vec from[2], Vec products[2])
{
  PetscFunctionBegin;
  for (int i = 0; i < 2; i++) {
    Vec v, Av;

    PetscCall(VecDuplicate(from[i], &v));
    PetscCall(VecCopy(from[i], v));
    PetscCall(DiniPartsDirection_Private(&p->parts, v));
    PetscCall(VecDuplicate(products[i], &Av));
    PetscCall(DiniPartMult(A, v, Av));
    from[i]     = v;
    products[i] = Av;
  }
  PetscCall(PetscObjectReference((PetscObject)from[0]));
  p->v = from[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Products with v and w part by part, of p->parts; Av and Aw: in all of them; rows: sizes of the rows of F, or NULL. Nothing for one
  part
*/
PetscErrorCode DiniPartProductsCreate_Private(Dini dini, Mat A, Vec v, Vec w, Vec Av, Vec Aw, Vec rows,
                                              DiniPartProducts *p)
{
  const DiniParts *parts    = &p->parts;
  Vec              along[2] = {v, w}, products[2] = {Av, Aw}, part;

  PetscFunctionBegin;
  if (parts->n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  if (parts->group) PetscCall(DiniPartDirections(A, p, along, products));
  PetscCall(VecDuplicate(Av, &p->terms));
  PetscCall(VecSet(p->terms, 0.0));
  PetscCall(DiniPartTerms(products[0], p->terms));
  PetscCall(DiniPartTerms(products[1], p->terms));
  if (rows) PetscCall(DiniPartTerms(rows, p->terms));
  if (dini->ops->jvp) { /* of an eigenpair entries cancel to rounding */
    PetscReal largest;

    PetscCall(DiniNormMax_Private(p->terms, &largest));
    PetscCall(VecSet(p->terms, largest));
  }
  PetscCall(VecDuplicateVecs(Av, parts->n, &p->y));
  PetscCall(VecDuplicateVecs(Av, parts->n, &p->other));
  PetscCall(VecDuplicate(v, &part));
  for (PetscInt k = 0; k < parts->n; k++) {
    PetscCall(DiniPartOnly_Private(parts, k, along[0], part));
    PetscCall(DiniPartMult(A, part, p->y[k]));
    PetscCall(DiniPartOnly_Private(parts, k, along[1], part));
    PetscCall(DiniPartMult(A, part, p->other[k]));
  }
  PetscCall(VecDestroy(&part));
  PetscCall(DiniPartTransposes(dini, A, along[0], p));
  for (int i = 0; i < 2 && parts->group; i++) {
    PetscCall(VecDestroy(&along[i]));
    PetscCall(VecDestroy(&products[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <w, A v> = <A^H w, v> in each pair of parts, or an error; those of a J that is not dF/du need not be looked at */
PetscErrorCode DiniGuardPartTransposes_Private(Dini dini, Mat A, const char what[], const DiniPartProducts *p)
{
  char which[512];

  PetscFunctionBegin;
  if (p->parts.n < 2 || !(p->test.apart > 1e-8 * p->test.size)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(which, sizeof(which), "%s%s", what, p->between));
  PetscCall(DiniGuardTranspose_Private(dini, A, which, &p->test));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPartProductsDestroy_Private(DiniPartProducts *p)
{
  PetscFunctionBegin;
  PetscCall(VecDestroy(&p->v));
  PetscCall(VecDestroy(&p->terms));
  if (p->y) PetscCall(VecDestroyVecs(p->parts.n, &p->y));
  if (p->other) PetscCall(VecDestroyVecs(p->parts.n, &p->other));
  PetscCall(DiniPartsDestroy_Private(&p->parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Along one part. What is no more than products by differences miss is told, and lets them pass */
static PetscErrorCode DiniGuardPart(Dini dini, const DiniPartProducts *p, PetscInt k, DiniShift *residual, Vec only,
                                    void *ctx, DiniSlope *worst)
{
  DiniSlope slope = {.few = PETSC_TRUE, .rows = PETSC_TRUE};

  PetscFunctionBegin;
  PetscCall(DiniGuardSlope_Private(dini, residual, only, ctx, p->y[k], p->other[k], p->terms, &slope));
  PetscCall(PetscInfo(dini, "Part %" PetscInt_FMT " of %" PetscInt_FMT ": products and differences disagree by %g\n", k,
                      p->parts.n, (double)slope.wrong));
  worst->wrong = PetscMax(worst->wrong, slope.wrong);
  if (p->loose > 0.0) worst->seen = PetscMax(worst->seen, PetscMin(slope.seen, 1.0));
  if (!(slope.wrong > p->rtol)) PetscFunctionReturn(PETSC_SUCCESS);
  if (p->loose > 0.0) {
    slope.loose = p->loose;
    PetscCall(DiniGuardSlope_Private(dini, residual, only, ctx, p->y[k], p->other[k], p->terms, &slope));
  }
  if (slope.wrong > p->rtol) worst->part = k;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The products held against differences of F at the point, up to the first part whose product is wrong by more than p->rtol;
  worst->part is that one, or none: -1. v as before; p->loose: what products may miss of the terms of a row, for those that are differences
  themselves, of which worst->seen tells all that is seen, and else what is close, and not more than that, stays the matter of
  all parts together.
*/
PetscErrorCode DiniGuardParts_Private(Dini dini, const DiniPartProducts *p, DiniShift *residual, Vec v, void *ctx,
                                      DiniSlope *worst)
{
  Vec            only, F;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  *worst = (DiniSlope){.part = -1};
  if (p->parts.n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPointResidual_Private(dini, &F));
  PetscCall(VecCopy(F, dini->w[0]));
  PetscCall(VecDuplicate(v, &only));
  for (PetscInt k = 0; k < p->parts.n && !failed && worst->part < 0; k++) {
    failed = DiniPartOnly_Private(&p->parts, k, p->v ? p->v : v, only);
    if (!failed) failed = DiniGuardPart(dini, p, k, residual, only, ctx, worst);
  }
  PetscCall(VecDestroy(&only));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
