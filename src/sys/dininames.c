/* What values of the enumerations are called, in options, in views and in errors. */
#include "../private/dinidefs.h"

const char *const DiniDifferences[]   = {"forward", "central", "complex", "DiniDifference", "DINI_DIFFERENCE_", NULL};
const char *const DiniJacobianTypes[] = {"auto",           "given", "coloring", "fd", "mf", "DiniJacobianType",
                                         "DINI_JACOBIAN_", NULL};
const char *const DiniTransposes[]    = {"auto",          "native",          "explicit", "symmetric",
                                         "DiniTranspose", "DINI_TRANSPOSE_", NULL};
const char *const DiniAdjointTypes[]  = {"hermitian", "transpose", "DiniAdjointType", "DINI_ADJOINT_", NULL};
const char *const DiniOperations[]    = {"forward",       "linearize",       "tangent", "adjoint",
                                         "DiniOperation", "DINI_OPERATION_", NULL};

const char *const DiniWeakActivities[] = {"inactive", "active", "error", "DiniWeakActivity", "DINI_WEAK_ACTIVITY_",
                                          NULL};

const char *const DiniReuses[] = {"auto", "always", "never", "DiniReuse", "DINI_REUSE_", NULL};
const char *const DiniRungs[]  = {"none",      "user",     "iteration", "kept",     "gmres",      "untransposed",
                                  "refreshed", "explicit", "direct",    "DiniRung", "DINI_RUNG_", NULL};

const char *const DiniFixedPointMethods[]     = {"krylov", "iterate", "DiniFixedPointMethod", "DINI_FIXEDPOINT_", NULL};
const char *const DiniFixedPointDerivatives[] = {
    "auto", "matrix", "operator", "coloring", "fd", "DiniFixedPointDerivative", "DINI_FIXEDPOINT_", NULL};

/* From the one with the smallest number, -6, up */
static const char *const DiniReasons[] = {
    "DIVERGED_PC_FAILED",        "DIVERGED_NAN",      "DIVERGED_ADJOINT",    "DIVERGED_TANGENT",
    "DIVERGED_FORWARD_RESIDUAL", "DIVERGED_FORWARD",  "CONVERGED_ITERATING", "CONVERGED_FORWARD",
    "CONVERGED_ATTACHED",        "CONVERGED_TANGENT", "CONVERGED_ADJOINT"};

/**
  @brief Text of a converged reason, of the form "CONVERGED_ADJOINT".
  @level{intermediate}

  Not Collective.

  @param[in]  reason the reason
  @param[out] text   its text, not to be freed
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniConvergedReasonString(DiniConvergedReason reason, const char **text)
{
  PetscFunctionBegin;
  *text = reason < DINI_DIVERGED_PC_FAILED || reason > DINI_CONVERGED_ADJOINT
              ? "unknown reason"
              : DiniReasons[(int)reason - (int)DINI_DIVERGED_PC_FAILED];
  PetscFunctionReturn(PETSC_SUCCESS);
}
