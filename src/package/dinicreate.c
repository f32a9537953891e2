/* Birth of a Dini: the first one registers the package, so this is above all that it has. */
#include "../private/diniimpl.h"

/**
  @brief Creates an empty Dini.
  @level{beginner}

  Collective.

  @param[in]  comm    communicator of the state and of the parameters
  @param[out] newdini the object; free it with DiniDestroy()
  @return 0 or a PETSc error code

  @see DiniSetSNES(), DiniSetKSP(), DiniAddParameter(), DiniSolve(), DiniVJP()
*/
PetscErrorCode DiniCreate(MPI_Comm comm, Dini *newdini)
{
  Dini dini;

  PetscFunctionBegin;
  PetscCheck(newdini, comm, PETSC_ERR_ARG_NULL, "DiniCreate() needs a place for the new Dini");
  *newdini = NULL;
  PetscCall(DiniInitializePackage());
  PetscCall(
      PetscHeaderCreate(dini, DINI_CLASSID, "Dini", "Implicit differentiation", "Dini", comm, DiniDestroy, DiniView));
  dini->another     = DiniCreate;
  dini->adjointtype = DINI_ADJOINT_HERMITIAN;
  dini->attachrtol = dini->promise = DINI_ATTACH_RTOL;
  dini->attachatol                 = 1e-50;
  dini->guard                      = PETSC_TRUE;
  dini->erroriffail                = PETSC_TRUE;
  dini->errorasked                 = PETSC_TRUE;
  dini->n                          = PETSC_DECIDE; /* unknown until a state has been seen */
  dini->source.maxcolumns          = 64;
  dini->rate                       = -1.0;
  dini->fpoint                     = -1.0;
  dini->fsolve                     = -1.0;
  DiniFeaturesClose_Private();
  DiniEachFeature(create, dini);
  PetscCall(DiniLinearCreate_Private(dini));
  *newdini = dini;
  PetscFunctionReturn(PETSC_SUCCESS);
}
