/*
  Coloured differences for a rectangular, distributed A = F_m, or for J: two columns may share a colour when no row has both.

  PETSc's MatFDColoring takes square matrices only, and one-sided differences. The columns of A conflict where A^T A has an
  entry, so a distance-1 colouring of that square matrix is a colouring of the columns. Rows then sort their entries by
  colour; the colours and steps of columns that other ranks own come through one scatter.
*/
#include "../private/diniparameterimpl.h"
#include "../private/dinicoloringimpl.h"

#define DINI_STRAY 1e-6 /* relative: what changes in F beside the pattern, but for rounding */

PetscErrorCode DiniColoringDestroy_Private(DiniColoring *coloring)
{
  DiniColoring c = *coloring;

  PetscFunctionBegin;
  if (!c) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(c->own));
  PetscCall(PetscFree(c->rowptr));
  PetscCall(PetscFree4(c->cols, c->ghost, c->row, c->nz));
  PetscCall(PetscFree(c->colorptr));
  PetscCall(PetscFree5(c->values, c->tried, c->last, c->second, c->rowsizes));
  PetscCall(PetscFree(c->columns));
  PetscCall(PetscFree(c->errors));
  PetscCall(VecDestroy(&c->one));
  PetscCall(VecDestroy(&c->two));
  PetscCall(VecDestroy(&c->ghosth));
  PetscCall(VecDestroy(&c->ghostformula));
  PetscCall(VecDestroy(&c->ghostw));
  PetscCall(VecDestroy(&c->ghostsize));
  PetscCall(VecScatterDestroy(&c->scatter));
  PetscCall(DiniMark_Private(NULL, &c->filled));
  PetscCall(PetscFree(*coloring));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Colours the columns owned here; PETSc's greedy algorithm is parallel. */
static PetscErrorCode DiniColoringColors(Mat A, DiniColoring c)
{
  Mat                    conflicts;
  MatColoring            mc;
  ISColoring             iscoloring;
  const ISColoringValue *colors;
  PetscInt               n;

  PetscFunctionBegin;
  PetscCall(MatTransposeMatMult(A, A, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &conflicts));
  PetscCall(MatColoringCreate(conflicts, &mc));
  PetscCall(MatColoringSetDistance(mc, 1));
  PetscCall(MatColoringSetType(mc, MATCOLORINGGREEDY));
  PetscCall(MatColoringApply(mc, &iscoloring));
  PetscCall(ISColoringGetColors(iscoloring, &n, &c->ncolors, &colors));
  PetscCall(PetscMalloc1(c->ncols, &c->own));
  PetscCall(PetscArraycpy(c->own, colors, c->ncols));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &c->ncolors, 1, MPIU_INT, MPI_MAX, PetscObjectComm((PetscObject)A)));
  PetscCall(ISColoringDestroy(&iscoloring));
  PetscCall(MatColoringDestroy(&mc));
  PetscCall(MatDestroy(&conflicts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The pattern by rows, and the scatter that brings what belongs to its columns */
static PetscErrorCode DiniColoringPattern(Mat A, DiniColoring c)
{
  PetscInt        last, nnz = 0, nghost, *unique;
  const PetscInt *cols;
  IS              is;
  Vec             shape;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRange(A, &c->first, &last));
  c->nrows = last - c->first;
  PetscCall(PetscMalloc1(c->nrows + 1, &c->rowptr));
  c->rowptr[0] = 0;
  for (PetscInt i = 0; i < c->nrows; i++) {
    PetscInt ncols;

    PetscCall(MatGetRow(A, c->first + i, &ncols, NULL, NULL));
    c->rowptr[i + 1] = c->rowptr[i] + ncols;
    PetscCall(MatRestoreRow(A, c->first + i, &ncols, NULL, NULL));
  }
  nnz = c->rowptr[c->nrows];
  PetscCall(PetscMalloc4(nnz, &c->cols, nnz, &c->ghost, nnz, &c->row, nnz, &c->nz));
  PetscCall(PetscMalloc5(nnz, &c->values, nnz, &c->tried, nnz, &c->last, nnz, &c->second, c->nrows, &c->rowsizes));
  PetscCall(PetscArrayzero(c->rowsizes, c->nrows)); /* not known before a fill asks for them */
  for (PetscInt i = 0; i < c->nrows; i++) {
    PetscInt ncols;

    PetscCall(MatGetRow(A, c->first + i, &ncols, &cols, NULL));
    for (PetscInt k = 0; k < ncols; k++) {
      c->cols[c->rowptr[i] + k] = cols[k];
      c->row[c->rowptr[i] + k]  = i;
    }
    PetscCall(MatRestoreRow(A, c->first + i, &ncols, &cols, NULL));
  }
  PetscCall(PetscMalloc1(nnz + 1, &unique)); /* debug builds refuse to sort nothing at NULL, on this rank alone */
  PetscCall(PetscArraycpy(unique, c->cols, nnz));
  nghost = nnz;
  PetscCall(PetscSortRemoveDupsInt(&nghost, unique));
  for (PetscInt k = 0; k < nnz; k++) PetscCall(PetscFindInt(c->cols[k], nghost, unique, &c->ghost[k]));
  PetscCall(ISCreateGeneral(PETSC_COMM_SELF, nghost, unique, PETSC_OWN_POINTER, &is));
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, nghost, &c->ghosth));
  PetscCall(VecDuplicate(c->ghosth, &c->ghostformula));
  PetscCall(VecDuplicate(c->ghosth, &c->ghostw));
  PetscCall(VecDuplicate(c->ghosth, &c->ghostsize));
  PetscCall(MatCreateVecs(A, &shape, NULL));
  PetscCall(VecScatterCreate(shape, is, c->ghosth, NULL, &c->scatter));
  PetscCall(VecDestroy(&shape));
  PetscCall(ISDestroy(&is));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sorts the entries by colour, and makes sure that no row has two of one colour. */
static PetscErrorCode DiniColoringSort(Dini dini, const char what[], DiniColoring c)
{
  const PetscInt     nnz = c->rowptr[c->nrows];
  PetscInt          *color, *count, *seen;
  PetscScalar       *a;
  const PetscScalar *g;
  PetscBool          clash = PETSC_FALSE, any;

  PetscFunctionBegin;
  PetscCall(VecGetArray(c->one, &a));
  for (PetscInt j = 0; j < c->ncols; j++) a[j] = (PetscScalar)(PetscReal)c->own[j];
  PetscCall(VecRestoreArray(c->one, &a));
  PetscCall(VecScatterBegin(c->scatter, c->one, c->ghosth, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(c->scatter, c->one, c->ghosth, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(PetscMalloc1(nnz, &color));
  PetscCall(PetscCalloc1(c->ncolors + 1, &c->colorptr));
  PetscCall(PetscMalloc2(c->ncolors, &count, c->ncolors, &seen));
  PetscCall(VecGetArrayRead(c->ghosth, &g));
  for (PetscInt k = 0; k < nnz; k++) {
    color[k] = (PetscInt)PetscRealPart(g[c->ghost[k]]);
    c->colorptr[color[k] + 1]++;
  }
  PetscCall(VecRestoreArrayRead(c->ghosth, &g));
  for (PetscInt q = 0; q < c->ncolors; q++) {
    c->colorptr[q + 1] += c->colorptr[q];
    count[q] = 0;
    seen[q]  = -1;
  }
  for (PetscInt k = 0; k < nnz; k++) {
    const PetscInt q = color[k];

    if (seen[q] == c->row[k]) clash = PETSC_TRUE;
    seen[q]                            = c->row[k];
    c->nz[c->colorptr[q] + count[q]++] = k;
  }
  PetscCall(PetscFree(color));
  PetscCall(PetscFree2(count, seen));
  PetscCall(MPIU_Allreduce(&clash, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_PLIB,
             "%s: The colouring of %s gave two columns of one row the same colour", DiniLabel_Private(dini), what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Colours the columns of A, an assembled AIJ; like: a vector shaped as what A multiplies */
PetscErrorCode DiniColoringCreate_Private(Dini dini, Mat A, Vec like, const char what[], DiniColoring *coloring)
{
  DiniColoring c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *coloring = c;
  PetscCall(VecGetLocalSize(like, &c->ncols));
  PetscCall(VecDuplicate(like, &c->one));
  PetscCall(VecDuplicate(like, &c->two));
  PetscCall(PetscCalloc1(c->ncols, &c->columns));
  c->point = -1;
  PetscCall(DiniColoringColors(A, c));
  PetscCall(DiniColoringPattern(A, c));
  PetscCall(DiniColoringSort(dini, what, c));
  PetscCall(PetscInfo(dini, "%s: columns in %" PetscInt_FMT " colours\n", what, c->ncolors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application's pattern, or else the one that follows from the DMs */
static PetscErrorCode DiniColoringGetPattern(Dini dini, DiniParameter par, Mat *Fm)
{
  PetscBool assembled, aij;

  PetscFunctionBegin;
  if (par->Fmuser) {
    PetscCall(PetscObjectReference((PetscObject)par->Fmuser));
    *Fm = par->Fmuser;
  } else PetscCall(DiniPatternCreate_Private(dini, par, Fm));
  PetscCall(MatAssembled(*Fm, &assembled));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)*Fm, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  PetscCheck(
      assembled && aij, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
      "The pattern of parameter \"%s\" must be an assembled matrix of type AIJ; preallocate it, set its entries (zeros "
      "will do) and assemble it",
      par->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterCreate_Coloring(Dini dini, DiniParameter par, Mat *Fm)
{
  char what[256];

  PetscFunctionBegin;
  PetscCall(DiniColoringGetPattern(dini, par, Fm));
  PetscCall(PetscSNPrintf(what, sizeof(what), "F_m of parameter \"%s\"", par->name));
  PetscCall(DiniColoringCreate_Private(dini, *Fm, par->m, what, &par->coloring));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A row that moves with a colour of which it has no entry is coupled with a column that the pattern leaves out. This costs no
  residual, so it is looked at in each fill: what a residual reads may change with the state, as by upwinding.
*/
static PetscErrorCode DiniColoringCheckStray(Dini dini, DiniParameter par, PetscReal all, PetscReal stray)
{
  PetscReal       mine[2] = {all, stray}, max[2];
  const PetscReal noise = par->difference == DINI_DIFFERENCE_COMPLEX ? 0.0 : 20.0 * PETSC_MACHINE_EPSILON * dini->scale;

  PetscFunctionBegin;
  PetscCall(MPIU_Allreduce(mine, max, 2, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  PetscCheck(
      max[1] <= PetscMax(DINI_STRAY * max[0], noise), PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "The pattern of F_m of parameter \"%s\" is too small: F changes with the parameter in rows that the pattern "
      "does not couple with it, by %g where the largest change is %g. %s",
      par->name, (double)max[1], (double)max[0],
      par->pattern ? "The pattern follows from the DMs: give the block a Vec from a DM with a stencil as wide as "
                     "what the residual reads of it, or a pattern with DiniSetParameterJacobian()"
                   : "Complete the matrix given to DiniSetParameterJacobian()");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterFill_Coloring(Dini dini, DiniParameter par, Mat Fm)
{
  PetscReal  all = 0.0, stray = 0.0;
  DiniScheme scheme;

  PetscFunctionBegin;
  PetscCall(DiniParameterScheme_Private(dini, par, &scheme));
  PetscCall(DiniColoringFill_Private(dini, par->coloring, &scheme, par->copy, Fm, &all, &stray));
  if (dini->guard) PetscCall(DiniColoringCheckStray(dini, par, all, stray));
  PetscCall(DiniParameterSmooth_Private(dini, par, &scheme));
  dini->stats.parameter_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
