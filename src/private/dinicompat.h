/* The one place that knows which PETSc releases differ. Oldest supported: 3.18. */
#pragma once
#include <petscts.h>

#if PETSC_VERSION_LT(3, 18, 0)
  #error "Dini needs PETSc 3.18 or newer"
#endif
#if PETSC_VERSION_LT(3, 19, 0)
  #define PETSC_SUCCESS 0
#endif
/* what a KSPSetConvergenceTest() destroys: the context, or since 3.24 its address */
#if PETSC_VERSION_LT(3, 24, 0)
typedef void *DiniDestroyArgument;
  #define DiniDestroyed(ctx)               (ctx)
  #define DiniConvergedDefaultDestroy(ctx) KSPConvergedDefaultDestroy(*(ctx))
#elif PETSC_VERSION_LT(3, 25, 0)
typedef void          **DiniDestroyArgument;
  #define DiniDestroyed(ctx)               (*(ctx))
  #define DiniConvergedDefaultDestroy(ctx) KSPConvergedDefaultDestroy(ctx)
#else
typedef PetscCtxRt DiniDestroyArgument;
  #define DiniDestroyed(ctx)               (*(void **)(ctx))
  #define DiniConvergedDefaultDestroy(ctx) KSPConvergedDefaultDestroy(ctx)
#endif
/* what a MatShellSetContextDestroy() destroys: the context, or since 3.23 its address */
#if PETSC_VERSION_LT(3, 23, 0)
typedef void *DiniContextDestroyArgument;
  #define DiniContextDestroyed(ctx) (ctx)
#elif PETSC_VERSION_LT(3, 25, 0)
typedef void          **DiniContextDestroyArgument;
  #define DiniContextDestroyed(ctx) (*(ctx))
#else
typedef PetscCtxRt DiniContextDestroyArgument;
  #define DiniContextDestroyed(ctx) (*(void **)(ctx))
#endif
#if PETSC_VERSION_LT(3, 26, 0)
  #define DiniPCMatState(pc) ((pc)->matstate)
#else
  #define DiniPCMatState(pc) ((pc)->matstate.state)
#endif
#if PETSC_VERSION_LT(3, 26, 0)
  #define DINI_LINESEARCH_NONE SNESLINESEARCHBASIC
#else
  #define DINI_LINESEARCH_NONE SNESLINESEARCHNONE
#endif
#if PETSC_VERSION_LT(3, 25, 0)
  #define DINI_SNES_NAN SNES_DIVERGED_FNORM_NAN
#else
  #define DINI_SNES_NAN SNES_DIVERGED_FUNCTION_NANORINF
#endif
#if PETSC_VERSION_LT(3, 24, 0)
  #define DINI_MPI_BOOL MPIU_BOOL
#else
  #define DINI_MPI_BOOL MPI_C_BOOL
#endif
#if PETSC_VERSION_LT(3, 22, 0)
  #define PetscOptionsCreateViewer PetscOptionsGetViewer
#endif
#if PETSC_VERSION_LT(3, 22, 0)
typedef PetscErrorCode DiniSNESJacobianFn(SNES, Vec, Mat, Mat, void *);
typedef PetscErrorCode DiniSNESFunctionFn(SNES, Vec, Vec, void *);
#else
typedef SNESJacobianFn  DiniSNESJacobianFn;
typedef SNESFunctionFn  DiniSNESFunctionFn;
#endif
#if PETSC_VERSION_LT(3, 22, 0)
typedef PetscErrorCode DiniTSIJacobianFn(TS, PetscReal, Vec, Vec, PetscReal, Mat, Mat, void *);
typedef PetscErrorCode DiniTSRHSJacobianFn(TS, PetscReal, Vec, Mat, Mat, void *);
#else
typedef TSIJacobianFn   DiniTSIJacobianFn;
typedef TSRHSJacobianFn DiniTSRHSJacobianFn;
#endif

/* what a TSMonitorSet() destroys: the address of the context */
#if PETSC_VERSION_LT(3, 25, 0)
typedef void **DiniMonitorDestroyArgument;
#else
typedef PetscCtxRt      DiniMonitorDestroyArgument;
#endif
#if PETSC_VERSION_LT(3, 24, 0)
  #define DiniColoringCast(f) ((PetscErrorCode(*)(void))(void (*)(void))(f))
#else
  #define DiniColoringCast(f) (f)
#endif
/* Is A scaled in place by its diagonal, and is that undone after a solve? No more since 3.26. */
static inline PetscErrorCode DiniGetDiagonalScale(KSP ksp, PetscBool *scale, PetscBool *back)
{
  PetscFunctionBegin;
#if PETSC_VERSION_LT(3, 26, 0)
  PetscCall(KSPGetDiagonalScale(ksp, scale));
  PetscCall(KSPGetDiagonalScaleFix(ksp, back));
#else
  (void)ksp;
  *scale = *back = PETSC_FALSE;
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}
/* Has each row on this rank a place for its diagonal entry, as far as A can tell? Not collective */
static inline PetscErrorCode DiniHasDiagonal(Mat A, PetscBool *has)
{
#if PETSC_VERSION_LT(3, 26, 0)
  PetscBool missing;
#else
  PetscInt first, last;
#endif

  PetscFunctionBegin;
#if PETSC_VERSION_LT(3, 26, 0)
  PetscCall(MatHasOperation(A, MATOP_MISSING_DIAGONAL, has));
  if (!*has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatMissingDiagonal(A, &missing, NULL));
  *has = (PetscBool)!missing;
#else
  PetscCall(MatHasOperation(A, MATOP_GET_ROW, has));
  PetscCall(MatGetOwnershipRange(A, &first, &last));
  for (PetscInt i = first; *has && i < last; i++) {
         const PetscInt *cols;
         PetscInt        n;

         *has = PETSC_FALSE;
         PetscCall(MatGetRow(A, i, &n, &cols, NULL));
         for (PetscInt j = 0; j < n; j++)
      if (cols[j] == i) *has = PETSC_TRUE;
    PetscCall(MatRestoreRow(A, i, &n, &cols, NULL));
  }
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}
