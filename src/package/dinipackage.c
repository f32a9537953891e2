/* The package: what there is to register. The one room that names them all. */
#include "../private/diniimpl.h"
#if defined(DINI_HAVE_SLEPC)
  #include <dinislepc.h>
#endif

static PetscBool DiniPackageInitialized = PETSC_FALSE;

/**
  @brief Drops the registry of types; PetscFinalize() calls it.
  @level{advanced}

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
  @brief Registers the class, its types and its log events; DiniCreate(), DiniRegister() and DiniRegisterFeature() call it.
  @level{advanced}

  Not Collective, but on every process that uses Dini.

  @return 0 or a PETSc error code
*/
PetscErrorCode DiniInitializePackage(void)
{
  PetscClassId classids[2];

  PetscFunctionBegin;
  if (DiniPackageInitialized) PetscFunctionReturn(PETSC_SUCCESS);
  DiniPackageInitialized = PETSC_TRUE;
  PetscCall(PetscClassIdRegister("Dini", &DINI_CLASSID));
  PetscCall(PetscClassIdRegister("Dini Engine", &DINI_ENGINE_CLASSID));
  PetscCall(DiniFeaturesOpen_Private());
  PetscCall(DiniRegister(DINISNES, DiniCreate_SNES));
  PetscCall(DiniRegister(DINIKSP, DiniCreate_KSP));
  PetscCall(DiniRegister(DINISHELL, DiniCreate_Shell));
  PetscCall(DiniRegister(DINIFIXEDPOINT, DiniCreate_FixedPoint));
  PetscCall(DiniRegister(DINICHAIN, DiniCreate_Chain));
  PetscCall(DiniRegister(DINITS, DiniCreate_TS));
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
  classids[0] = DINI_CLASSID;
  classids[1] = DINI_ENGINE_CLASSID;
  PetscCall(PetscInfoProcessClass("dini", 2, classids)); /* -info :dini tells of the engine, too */
  PetscCall(PetscRegisterFinalize(DiniFinalizePackage));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Adds a type of Dini under a name for DiniSetType() and `-dini_type`.
  @level{advanced}

  Not Collective, but on every process that uses the type.

  @param[in] name   name of the type
  @param[in] create prepares a new object of the type: by DiniSetOps() and DiniSetData() of dinimethods.h, or by DiniSetResidual(),
                    DiniSetJacobian(), DiniSetSolve() and the like
  @return 0 or a PETSc error code; PETSC_ERR_ARG_NULL for no name or no function
*/
PetscErrorCode DiniRegister(const char name[], PetscErrorCode (*create)(Dini))
{
  PetscFunctionBegin;
  PetscCheck(name && name[0] && create, PETSC_COMM_SELF, PETSC_ERR_ARG_NULL,
             "DiniRegister() needs a name and a function that prepares an object of the type");
  PetscCall(DiniInitializePackage());
  PetscCall(PetscFunctionListAdd(&DiniList, name, create));
  PetscFunctionReturn(PETSC_SUCCESS);
}
