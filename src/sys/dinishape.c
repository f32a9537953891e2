/*
  Vecs of other shapes than one array: VECNEST, whose parts are Vecs of their own.

  Arrays (VecGetArray(), a copy for a nest) and products of all matrices take a nest like any other Vec; what combines two Vecs
  takes two nests or none, and reads memory that is not there when it gets one of each. State and blocks keep the shape that
  the application gave them, because its callbacks ask for the parts; flat parameter vectors and columns of dense matrices are
  plain; these few functions go between the two.
*/
#include "../private/diniimpl.h"

PetscErrorCode DiniIsNest_Private(Vec v, PetscBool *nest)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)v, VECNEST, nest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* May a and b, of one layout, be combined? Both plain, or nests of the same parts. */
PetscErrorCode DiniSameShape_Private(Vec a, Vec b, PetscBool *same)
{
  PetscBool nests[2];
  PetscInt  n[2], sizes[2];
  Vec      *parts[2];

  PetscFunctionBegin;
  PetscCall(DiniIsNest_Private(a, &nests[0]));
  PetscCall(DiniIsNest_Private(b, &nests[1]));
  *same = (PetscBool)(nests[0] == nests[1]);
  if (!*same || !nests[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecNestGetSubVecs(a, &n[0], &parts[0]));
  PetscCall(VecNestGetSubVecs(b, &n[1], &parts[1]));
  *same = (PetscBool)(n[0] == n[1]);
  for (PetscInt i = 0; i < n[0] && *same; i++) {
    PetscCall(VecGetSize(parts[0][i], &sizes[0]));
    PetscCall(VecGetSize(parts[1][i], &sizes[1]));
    if (sizes[0] == sizes[1]) PetscCall(DiniSameShape_Private(parts[0][i], parts[1][i], same));
    else *same = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A flat parameter vector is plain, whatever the blocks are: its parts are those of the blocks. */
PetscErrorCode DiniRefuseNest_Private(Dini dini, Vec v, const char what[])
{
  PetscBool nest;

  PetscFunctionBegin;
  PetscCall(DiniIsNest_Private(v, &nest));
  PetscCheck(
      !nest, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: %s is a VECNEST; flat parameter vectors are plain, create it with DiniCreateParameterVec() and look at "
      "the part of a block with DiniGetParameterSubVec()",
      DiniLabel_Private(dini), what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* to = alpha from, or to + alpha from, whatever the shapes */
static PetscErrorCode DiniByArrays(Vec from, PetscScalar alpha, PetscBool add, Vec to)
{
  const PetscScalar *x;
  PetscScalar       *y;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(from, &n));
  PetscCall(VecGetArrayRead(from, &x));
  PetscCall(VecGetArray(to, &y));
  for (PetscInt i = 0; i < n; i++) y[i] = alpha * x[i] + (add ? y[i] : 0.0);
  PetscCall(VecRestoreArray(to, &y));
  PetscCall(VecRestoreArrayRead(from, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* VecCopy() between a nest and a plain Vec, too */
PetscErrorCode DiniCopy_Private(Vec from, Vec to)
{
  PetscBool nests[2];

  PetscFunctionBegin;
  PetscCall(DiniIsNest_Private(from, &nests[0]));
  PetscCall(DiniIsNest_Private(to, &nests[1]));
  if (nests[0] == nests[1]) PetscCall(VecCopy(from, to));
  else PetscCall(DiniByArrays(from, 1.0, PETSC_FALSE, to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* VecAXPY() between a nest and a plain Vec, too */
PetscErrorCode DiniAXPY_Private(Vec y, PetscScalar alpha, Vec x)
{
  PetscBool nests[2];

  PetscFunctionBegin;
  PetscCall(DiniIsNest_Private(x, &nests[0]));
  PetscCall(DiniIsNest_Private(y, &nests[1]));
  if (nests[0] == nests[1]) PetscCall(VecAXPY(y, alpha, x));
  else PetscCall(DiniByArrays(x, alpha, PETSC_TRUE, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A plain Vec with the layout of v; of v's own type where that is plain */
PetscErrorCode DiniCreatePlain_Private(Vec v, Vec *plain)
{
  PetscBool nest;
  PetscInt  n, N;

  PetscFunctionBegin;
  PetscCall(DiniIsNest_Private(v, &nest));
  if (!nest) {
    PetscCall(VecDuplicate(v, plain));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetSize(v, &N));
  PetscCall(VecCreate(PetscObjectComm((PetscObject)v), plain));
  PetscCall(VecSetSizes(*plain, n, N));
  PetscCall(VecSetType(*plain, VECSTANDARD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A Vec with the layout of like for solvers with A: plain where like is a nest and A has entries of its own, since such
  solvers take no nests; else of the shape of like, whose parts a nest of matrices or the application's shell may ask for.
*/
PetscErrorCode DiniCreateFor_Private(Mat A, Vec like, Vec *v)
{
  PetscBool entries;

  PetscFunctionBegin;
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)A, &entries, MATSEQAIJ, MATMPIAIJ, MATSEQBAIJ, MATMPIBAIJ,
                                          MATSEQSBAIJ, MATMPISBAIJ, MATSEQDENSE, MATMPIDENSE, MATSEQSELL, MATMPISELL,
                                          MATIS, ""));
  if (entries) PetscCall(DiniCreatePlain_Private(like, v));
  else PetscCall(VecDuplicate(like, v));
  PetscFunctionReturn(PETSC_SUCCESS);
}
