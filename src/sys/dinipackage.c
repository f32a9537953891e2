/* The package: class id, types, log events. */
#include "../private/diniimpl.h"
#if defined(DINI_HAVE_SLEPC)
  #include <dinislepc.h>
#endif

PetscClassId      DINI_CLASSID = 0;
PetscLogEvent     DINI_Solve, DINI_Linearize, DINI_Tangent, DINI_Adjoint, DINI_Guard, DINI_Check, DINI_SNESJacobian;
PetscFunctionList DiniList = NULL;

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

static PetscBool DiniPackageInitialized = PETSC_FALSE;

/**
  @brief Drops the registry of types; PetscFinalize() calls it.

  Not Collective.

  @return 0 or a PETSc error code
*/
PetscErrorCode DiniFinalizePackage(void)
{
  PetscFunctionBegin;
  PetscCall(PetscFunctionListDestroy(&DiniList));
  DiniPackageInitialized = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Registers the class, its types and its log events; DiniCreate() and DiniRegister() call it.

  Not Collective, but on every process that uses Dini.

  @return 0 or a PETSc error code
*/
PetscErrorCode DiniInitializePackage(void)
{
  PetscFunctionBegin;
  if (DiniPackageInitialized) PetscFunctionReturn(PETSC_SUCCESS);
  DiniPackageInitialized = PETSC_TRUE;
  PetscCall(PetscClassIdRegister("Dini", &DINI_CLASSID));
  PetscCall(DiniRegister(DINISNES, DiniCreate_SNES));
  PetscCall(DiniRegister(DINIKSP, DiniCreate_KSP));
  PetscCall(DiniRegister(DINISHELL, DiniCreate_Shell));
  PetscCall(DiniRegister(DINIFIXEDPOINT, DiniCreate_FixedPoint));
#if defined(DINI_HAVE_SLEPC)
  PetscCall(DiniRegister(DINIEPS, DiniCreate_EPS));
  PetscCall(DiniRegister(DINIPEP, DiniCreate_PEP));
  PetscCall(DiniRegister(DININEP, DiniCreate_NEP));
  PetscCall(PetscClassIdRegister("Dini Posterior", &DINI_POSTERIOR_CLASSID));
#endif
  PetscCall(PetscLogEventRegister("DiniSolve", DINI_CLASSID, &DINI_Solve));
  PetscCall(PetscLogEventRegister("DiniLinearize", DINI_CLASSID, &DINI_Linearize));
  PetscCall(PetscLogEventRegister("DiniTangent", DINI_CLASSID, &DINI_Tangent));
  PetscCall(PetscLogEventRegister("DiniAdjoint", DINI_CLASSID, &DINI_Adjoint));
  PetscCall(PetscLogEventRegister("DiniGuard", DINI_CLASSID, &DINI_Guard));
  PetscCall(PetscLogEventRegister("DiniCheck", DINI_CLASSID, &DINI_Check));
  PetscCall(SNESInitializePackage());
  PetscCall(PetscLogEventGetId("SNESJacobianEval", &DINI_SNESJacobian)); /* PETSc's own event */
  PetscCall(PetscInfoProcessClass("dini", 1, &DINI_CLASSID));
  PetscCall(PetscRegisterFinalize(DiniFinalizePackage));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Adds a type of Dini under a name for DiniSetType() and `-dini_type`.

  Not Collective, but on every process that uses the type.

  @param[in] name   name of the type
  @param[in] create prepares a new object of the type, by DiniSetResidual(), DiniSetJacobian(), DiniSetSolve() and the like
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniRegister(const char name[], PetscErrorCode (*create)(Dini))
{
  PetscFunctionBegin;
  PetscCall(DiniInitializePackage());
  PetscCall(PetscFunctionListAdd(&DiniList, name, create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Text of a converged reason, of the form "CONVERGED_ADJOINT".

  Not Collective.

  @param[in]  reason the reason
  @param[out] text   its text, not to be freed
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniConvergedReasonString(DiniConvergedReason reason, const char **text)
{
  PetscFunctionBegin;
  switch (reason) {
  case DINI_CONVERGED_ITERATING:
    *text = "CONVERGED_ITERATING";
    break;
  case DINI_CONVERGED_FORWARD:
    *text = "CONVERGED_FORWARD";
    break;
  case DINI_CONVERGED_ATTACHED:
    *text = "CONVERGED_ATTACHED";
    break;
  case DINI_CONVERGED_TANGENT:
    *text = "CONVERGED_TANGENT";
    break;
  case DINI_CONVERGED_ADJOINT:
    *text = "CONVERGED_ADJOINT";
    break;
  case DINI_DIVERGED_FORWARD:
    *text = "DIVERGED_FORWARD";
    break;
  case DINI_DIVERGED_FORWARD_RESIDUAL:
    *text = "DIVERGED_FORWARD_RESIDUAL";
    break;
  case DINI_DIVERGED_TANGENT:
    *text = "DIVERGED_TANGENT";
    break;
  case DINI_DIVERGED_ADJOINT:
    *text = "DIVERGED_ADJOINT";
    break;
  case DINI_DIVERGED_NAN:
    *text = "DIVERGED_NAN";
    break;
  case DINI_DIVERGED_PC_FAILED:
    *text = "DIVERGED_PC_FAILED";
    break;
  default:
    *text = "unknown reason";
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
