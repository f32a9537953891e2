/* Errors are raised on all ranks or none: what only one rank can see is agreed on before anyone acts on it. */
#include "../private/diniimpl.h"

/* How errors call the object: a program may have several. Valid until the next call for the same object. */
const char *DiniLabel_Private(Dini dini)
{
  const PetscObject object = (PetscObject)dini;

  if (object->name) (void)PetscSNPrintf(dini->label, sizeof(dini->label), "Dini \"%s\"", object->name);
  else if (object->prefix)
    (void)PetscSNPrintf(dini->label, sizeof(dini->label), "The Dini with prefix %s", object->prefix);
  else (void)PetscSNPrintf(dini->label, sizeof(dini->label), "This Dini");
  return dini->label;
}

/* As much of `more` as there is room for; PetscStrlcat() of PETSc 3.18 writes beyond the end of a text that is full */
PetscErrorCode DiniAppend_Private(char text[], size_t size, const char more[])
{
  size_t used;

  PetscFunctionBegin;
  PetscCall(PetscStrlen(text, &used));
  if (used + 1 < size) PetscCall(PetscSNPrintf(text + used, size - used, "%s", more));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest error code of any rank becomes the error of all; `what` names the application's callback. */
PetscErrorCode DiniAgree_Private(Dini dini, const char what[], PetscErrorCode ierr)
{
  int mine = (int)ierr, all = 0;

  PetscFunctionBegin;
  PetscCall(MPIU_Allreduce(&mine, &all, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)dini)));
  PetscCheck(!all, PetscObjectComm((PetscObject)dini), (PetscErrorCode)all,
             "%s: %s returned error %d on at least one rank; the message above or on that rank says why; mend it and "
             "solve again",
             DiniLabel_Private(dini), what, all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes read locks off v until it has as many as before. */
PetscErrorCode DiniUnlock_Private(Vec v, PetscInt locks)
{
  PetscInt now = 0;

  PetscFunctionBegin;
  (void)v; /* optimised builds keep no locks */
  PetscCall(VecLockGet(v, &now));
  for (; now > locks; now--) PetscCall(VecLockReadPop(v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there a product with A^H? A shell of a complex build may have that one and no plain transpose. */
PetscErrorCode DiniHasAdjoint_Private(Mat A, PetscBool *has)
{
  PetscFunctionBegin;
  PetscCall(MatHasOperation(A, MATOP_MULT_TRANSPOSE, has));
  if (!*has && PetscDefined(USE_COMPLEX)) PetscCall(MatHasOperation(A, MATOP_MULT_HERMITIAN_TRANSPOSE, has));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCheckComm_Private(Dini dini, PetscObject object, const char what[])
{
  PetscMPIInt result;

  PetscFunctionBegin;
  PetscCheck(object, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "%s: %s is NULL", DiniLabel_Private(dini),
             what);
  PetscCallMPI(MPI_Comm_compare(PetscObjectComm((PetscObject)dini), PetscObjectComm(object), &result));
  PetscCheck(
      result == MPI_IDENT || result == MPI_CONGRUENT, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NOTSAMECOMM,
      "%s: %s lives on another communicator than the Dini; create both on the same one", DiniLabel_Private(dini), what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One of the values of an enum, whose names are a table as PETSc has them: the names, the type, the prefix, NULL */
PetscErrorCode DiniCheckEnum_Private(Dini dini, int value, const char *const names[], const char what[])
{
  int count = 0;

  PetscFunctionBegin;
  while (names[count + 2]) count++;
  PetscCheck(value >= 0 && value < count, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s: there is no %s number %d; the values of %s are %d (%s) to %d (%s)", DiniLabel_Private(dini), what,
             value, names[count], 0, names[0], count - 1, names[count - 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has a Vec another local size than m, or a Mat another one than m x n, on any rank? A negative size is not asked for. */
PetscErrorCode DiniOtherLayout_Private(MPI_Comm comm, PetscObject object, PetscInt m, PetscInt n, PetscBool *any)
{
  PetscInt  rows = m, columns = n;
  PetscBool mine;
  PetscClassId class;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetClassId(object, &class));
  if (class == MAT_CLASSID) PetscCall(MatGetLocalSize((Mat)object, &rows, &columns));
  else PetscCall(VecGetLocalSize((Vec)object, &rows));
  mine = (PetscBool)((m >= 0 && rows != m) || (n >= 0 && columns != n));
  PetscCall(MPIU_Allreduce(&mine, any, 1, DINI_MPI_BOOL, MPI_LOR, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v must have local size n and global size N on every rank; `like` tells the caller where such a Vec comes from. */
PetscErrorCode DiniCheckLayout_Private(Dini dini, Vec v, PetscInt n, PetscInt N, const char what[], const char like[])
{
  PetscInt  vn, vN;
  PetscBool any;

  PetscFunctionBegin;
  PetscCheck(v, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "%s: %s is NULL; it needs the layout of %s",
             DiniLabel_Private(dini), what, like);
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)v, what));
  PetscCall(VecGetSize(v, &vN));
  PetscCall(VecGetLocalSize(v, &vn));
  PetscCheck(vN == N, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s: %s has global size %" PetscInt_FMT " where %s has %" PetscInt_FMT
             "; create it with VecDuplicate() or %s",
             DiniLabel_Private(dini), what, vN, like, N, "DiniCreateParameterVec()");
  for (int k = 0; dini->call && k < 2; k++) /* what has been asked on all ranks already */
    if (dini->call->ahead.laid[k] && dini->call->ahead.v[k] == v && dini->call->ahead.n[k] == n)
      PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniOtherLayout_Private(PetscObjectComm((PetscObject)dini), (PetscObject)v, n, -1, &any));
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s: %s is distributed over the ranks otherwise than %s (local sizes %" PetscInt_FMT " and %" PetscInt_FMT
             " on this rank); create it with VecDuplicate() or DiniCreateParameterVec()",
             DiniLabel_Private(dini), what, like, vn, n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u has the layout of the rows of A: a solver that is handed another one is spoilt for the next */
PetscErrorCode DiniCheckMatLayout_Private(Dini dini, Vec u, Mat A, const char like[])
{
  PetscInt n, N;

  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(A, &n, NULL));
  PetscCall(MatGetSize(A, &N, NULL));
  PetscCall(DiniCheckLayout_Private(dini, u, n, N, "The state u", like));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCheckState_Private(Dini dini, Vec v, const char what[])
{
  PetscBool same;

  PetscFunctionBegin;
  PetscCall(DiniCheckLayout_Private(dini, v, dini->n, dini->N, what, "the state u"));
  PetscCall(DiniSameShape_Private(v, dini->r, &same));
  PetscCheck(
      same, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: %s has the layout of the state u, but one is a VECNEST and the other is not, or of other parts; create "
      "it with VecDuplicate() of the state",
      DiniLabel_Private(dini), what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A ghosted Vec that Dini has written to, or that is handed to the application: its local form has the values of all ranks */
PetscErrorCode DiniGhosts_Private(Vec v)
{
  Vec       local, *parts;
  PetscInt  n;
  PetscBool nest;

  PetscFunctionBegin;
  PetscCall(DiniIsNest_Private(v, &nest));
  if (nest) {
    PetscCall(VecNestGetSubVecs(v, &n, &parts));
    for (PetscInt i = 0; i < n; i++) PetscCall(DiniGhosts_Private(parts[i]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGhostGetLocalForm(v, &local));
  if (local) {
    PetscCall(VecGhostUpdateBegin(v, INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecGhostUpdateEnd(v, INSERT_VALUES, SCATTER_FORWARD));
  }
  PetscCall(VecGhostRestoreLocalForm(v, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v = column j of A, in a Vec of its own */
PetscErrorCode DiniGetColumn_Private(Mat A, PetscInt j, Vec v)
{
  Vec a;

  PetscFunctionBegin;
  PetscCall(MatDenseGetColumnVecRead(A, j, &a));
  PetscCall(DiniCopy_Private(a, v));
  PetscCall(PetscObjectStateIncrease((PetscObject)v)); /* VecCopy() takes cached norms along, rank by rank */
  PetscCall(MatDenseRestoreColumnVecRead(A, j, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* column j of A = v, or its conjugate */
PetscErrorCode DiniSetColumn_Private(Mat A, PetscInt j, PetscBool conj, Vec v)
{
  Vec a;

  PetscFunctionBegin;
  PetscCall(MatDenseGetColumnVecWrite(A, j, &a));
  PetscCall(DiniCopy_Private(v, a));
  if (conj) PetscCall(VecConjugate(a));
  PetscCall(MatDenseRestoreColumnVecWrite(A, j, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}
