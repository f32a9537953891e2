/*
  Coloured differences for a rectangular, distributed F_m: two columns may share a colour when no row has both.

  PETSc's MatFDColoring takes square matrices only. The columns of F_m conflict where F_m^T F_m has an entry, so a
  distance-1 colouring of that square matrix is a colouring of the columns. Rows then sort their entries by colour; the
  colours and steps of columns that other ranks own come through one scatter.
*/
#include "../private/diniparameterimpl.h"

struct _DiniColoring {
  PetscInt         ncolors;
  ISColoringValue *own;           /* colour of each column owned here */
  PetscInt         nrows, first;  /* rows owned here */
  PetscInt        *rowptr, *cols; /* pattern by rows, global columns */
  PetscInt        *ghost;         /* where an entry's column sits among the ghosts */
  PetscInt        *colorptr, *nz; /* entries by colour */
  PetscInt        *row;           /* local row of each entry */
  PetscScalar     *values;
  Vec              h, direction, ghosth; /* steps: all, of one colour, of the columns seen here */
  VecScatter       scatter;
};

PetscErrorCode DiniColoringDestroy_Private(DiniColoring *coloring)
{
  DiniColoring c = *coloring;

  PetscFunctionBegin;
  if (!c) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(c->own));
  PetscCall(PetscFree(c->rowptr));
  PetscCall(PetscFree4(c->cols, c->ghost, c->row, c->nz));
  PetscCall(PetscFree(c->colorptr));
  PetscCall(PetscFree(c->values));
  PetscCall(VecDestroy(&c->h));
  PetscCall(VecDestroy(&c->direction));
  PetscCall(VecDestroy(&c->ghosth));
  PetscCall(VecScatterDestroy(&c->scatter));
  PetscCall(PetscFree(*coloring));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Colours the columns owned here; PETSc's greedy algorithm is parallel. */
static PetscErrorCode DiniColoringColors(DiniParameter par, Mat Fm, DiniColoring c)
{
  Mat                    conflicts;
  MatColoring            mc;
  ISColoring             iscoloring;
  const ISColoringValue *colors;
  PetscInt               n;

  PetscFunctionBegin;
  PetscCall(MatTransposeMatMult(Fm, Fm, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &conflicts));
  PetscCall(MatColoringCreate(conflicts, &mc));
  PetscCall(MatColoringSetDistance(mc, 1));
  PetscCall(MatColoringSetType(mc, MATCOLORINGGREEDY));
  PetscCall(MatColoringApply(mc, &iscoloring));
  PetscCall(ISColoringGetColors(iscoloring, &n, &c->ncolors, &colors));
  PetscCall(PetscMalloc1(par->n, &c->own));
  PetscCall(PetscArraycpy(c->own, colors, par->n));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &c->ncolors, 1, MPIU_INT, MPI_MAX, PetscObjectComm((PetscObject)Fm)));
  PetscCall(ISColoringDestroy(&iscoloring));
  PetscCall(MatColoringDestroy(&mc));
  PetscCall(MatDestroy(&conflicts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The pattern by rows, and the scatter that brings what belongs to its columns */
static PetscErrorCode DiniColoringPattern(Mat Fm, DiniColoring c)
{
  PetscInt        last, nnz = 0, nghost, *unique;
  const PetscInt *cols;
  IS              is;
  Vec             shape;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRange(Fm, &c->first, &last));
  c->nrows = last - c->first;
  PetscCall(PetscMalloc1(c->nrows + 1, &c->rowptr));
  c->rowptr[0] = 0;
  for (PetscInt i = 0; i < c->nrows; i++) {
    PetscInt ncols;

    PetscCall(MatGetRow(Fm, c->first + i, &ncols, NULL, NULL));
    c->rowptr[i + 1] = c->rowptr[i] + ncols;
    PetscCall(MatRestoreRow(Fm, c->first + i, &ncols, NULL, NULL));
  }
  nnz = c->rowptr[c->nrows];
  PetscCall(PetscMalloc4(nnz, &c->cols, nnz, &c->ghost, nnz, &c->row, nnz, &c->nz));
  PetscCall(PetscMalloc1(nnz, &c->values));
  for (PetscInt i = 0; i < c->nrows; i++) {
    PetscInt ncols;

    PetscCall(MatGetRow(Fm, c->first + i, &ncols, &cols, NULL));
    for (PetscInt k = 0; k < ncols; k++) {
      c->cols[c->rowptr[i] + k] = cols[k];
      c->row[c->rowptr[i] + k]  = i;
    }
    PetscCall(MatRestoreRow(Fm, c->first + i, &ncols, &cols, NULL));
  }
  PetscCall(PetscMalloc1(nnz + 1, &unique)); /* debug builds refuse to sort nothing at NULL, on this rank alone */
  PetscCall(PetscArraycpy(unique, c->cols, nnz));
  nghost = nnz;
  PetscCall(PetscSortRemoveDupsInt(&nghost, unique));
  for (PetscInt k = 0; k < nnz; k++) PetscCall(PetscFindInt(c->cols[k], nghost, unique, &c->ghost[k]));
  PetscCall(ISCreateGeneral(PETSC_COMM_SELF, nghost, unique, PETSC_OWN_POINTER, &is));
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, nghost, &c->ghosth));
  PetscCall(MatCreateVecs(Fm, &shape, NULL));
  PetscCall(VecScatterCreate(shape, is, c->ghosth, NULL, &c->scatter));
  PetscCall(VecDestroy(&shape));
  PetscCall(ISDestroy(&is));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sorts the entries by colour, and makes sure that no row has two of one colour. */
static PetscErrorCode DiniColoringSort(Dini dini, DiniParameter par, DiniColoring c)
{
  const PetscInt     nnz = c->rowptr[c->nrows];
  PetscInt          *color, *count, *seen;
  PetscScalar       *a;
  const PetscScalar *g;
  PetscBool          clash = PETSC_FALSE, any;

  PetscFunctionBegin;
  PetscCall(VecGetArray(c->direction, &a));
  for (PetscInt j = 0; j < par->n; j++) a[j] = (PetscScalar)(PetscReal)c->own[j];
  PetscCall(VecRestoreArray(c->direction, &a));
  PetscCall(VecScatterBegin(c->scatter, c->direction, c->ghosth, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(c->scatter, c->direction, c->ghosth, INSERT_VALUES, SCATTER_FORWARD));
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
             "%s: The colouring of F_m of parameter \"%s\" gave two columns of one row the same colour",
             DiniLabel_Private(dini), par->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterCreate_Coloring(Dini dini, DiniParameter par, Mat *Fm)
{
  DiniColoring c;
  PetscBool    assembled, aij;

  PetscFunctionBegin;
  PetscCheck(
      par->Fmuser, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
      "Parameter \"%s\" is of type \"coloring\" and has no pattern; give an assembled matrix with its nonzeros to "
      "DiniSetParameterJacobian()",
      par->name);
  PetscCall(MatAssembled(par->Fmuser, &assembled));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)par->Fmuser, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  PetscCheck(
      assembled && aij, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
      "The pattern of parameter \"%s\" must be an assembled matrix of type AIJ; preallocate it, set its entries (zeros "
      "will do) and assemble it",
      par->name);
  PetscCall(PetscNew(&c));
  par->coloring = c;
  PetscCall(VecDuplicate(par->m, &c->h));
  PetscCall(VecDuplicate(par->m, &c->direction));
  PetscCall(DiniColoringColors(par, par->Fmuser, c));
  PetscCall(DiniColoringPattern(par->Fmuser, c));
  PetscCall(DiniColoringSort(dini, par, c));
  PetscCall(PetscInfo(dini, "F_m of parameter \"%s\": %" PetscInt_FMT " columns in %" PetscInt_FMT " colours\n",
                      par->name, par->N, c->ncolors));
  PetscCall(PetscObjectReference((PetscObject)par->Fmuser));
  *Fm = par->Fmuser;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterFill_Coloring(Dini dini, DiniParameter par, Mat Fm)
{
  DiniColoring       c = par->coloring;
  PetscReal          divisor;
  PetscScalar       *d;
  const PetscScalar *h, *f, *g;

  PetscFunctionBegin;
  PetscCall(DiniParameterSteps_Private(dini, par, c->h));
  PetscCall(VecScatterBegin(c->scatter, c->h, c->ghosth, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(c->scatter, c->h, c->ghosth, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(DiniParameterBase_Private(dini, par));
  for (PetscInt q = 0; q < c->ncolors; q++) {
    PetscCall(VecGetArrayRead(c->h, &h));
    PetscCall(VecGetArray(c->direction, &d));
    for (PetscInt j = 0; j < par->n; j++) d[j] = (PetscInt)c->own[j] == q ? h[j] : 0.0;
    PetscCall(VecRestoreArray(c->direction, &d));
    PetscCall(VecRestoreArrayRead(c->h, &h));
    PetscCall(DiniParameterDifference_Private(dini, par, c->direction, dini->w[1], &divisor));
    PetscCall(VecGetArrayRead(dini->w[1], &f));
    PetscCall(VecGetArrayRead(c->ghosth, &g));
    for (PetscInt i = c->colorptr[q]; i < c->colorptr[q + 1]; i++) {
      const PetscInt k = c->nz[i];

      c->values[k] = f[c->row[k]] / (divisor * g[c->ghost[k]]);
    }
    PetscCall(VecRestoreArrayRead(c->ghosth, &g));
    PetscCall(VecRestoreArrayRead(dini->w[1], &f));
  }
  for (PetscInt i = 0; i < c->nrows; i++) {
    const PetscInt row = c->first + i, start = c->rowptr[i];

    PetscCall(MatSetValues(Fm, 1, &row, c->rowptr[i + 1] - start, c->cols + start, c->values + start, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  dini->stats.parameter_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
