/* The registry of features, which is closed when the first object is created: each object has them all from its beginning. */
#include "../private/diniimpl.h"

static PetscBool DiniFeaturesClosed = PETSC_FALSE;

/**
  @brief Adds a part to every Dini that will be created.
  @level{advanced}

  Not Collective, but on every process that uses Dini, and in the same order. The registry lasts until PetscFinalize().

  @param[in] feature the table of the part, which has to live on; its methods are called in the order of registration, after
                     those of Dini's own parts
  @return 0 or a PETSc error code; PETSC_ERR_ARG_NULL for no table or one without a name, PETSC_ERR_ORDER once an object has been
          created, PETSC_ERR_ARG_IDN for a name that is taken, PETSC_ERR_ARG_OUTOFRANGE beyond DINI_MAX_FEATURES parts

  @see DiniRegister(), DiniFeature
*/
PetscErrorCode DiniRegisterFeature(const DiniFeature *feature)
{
  int n = 0;

  PetscFunctionBegin;
  PetscCall(DiniInitializePackage());
  PetscCheck(feature, PETSC_COMM_SELF, PETSC_ERR_ARG_NULL, "DiniRegisterFeature() got no table of a part");
  PetscCheck(feature->name && feature->name[0], PETSC_COMM_SELF, PETSC_ERR_ARG_NULL,
             "The part that DiniRegisterFeature() got has no name; set it in its table");
  PetscCheck(
      !DiniFeaturesClosed, PETSC_COMM_SELF, PETSC_ERR_ORDER,
      "The part \"%s\" comes too late: a Dini has been created without it. Call DiniRegisterFeature() before the "
      "first DiniCreate()",
      feature->name);
  for (; DiniFeatures[n]; n++) {
    PetscBool same;

    PetscCall(PetscStrcmp(DiniFeatures[n]->name, feature->name, &same));
    PetscCheck(!same, PETSC_COMM_SELF, PETSC_ERR_ARG_IDN,
               "There is a part \"%s\" already; register it once, or give this one another name", feature->name);
  }
  PetscCheck(n < DINI_MAX_FEATURES, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "The part \"%s\" is one too many: there are %d, Dini's own among them, and DINI_MAX_FEATURES is %d",
             feature->name, n, DINI_MAX_FEATURES);
  DiniFeatures[n]     = feature;
  DiniFeatures[n + 1] = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniFeaturesOpen_Private(void)
{
  PetscFunctionBegin;
  DiniFeaturesClosed = PETSC_FALSE;
  DiniFeatures[0]    = NULL;
  PetscCall(DiniRegisterFeature(&DiniFeatureActive));
  PetscCall(DiniRegisterFeature(&DiniFeatureObjective));
  PetscCall(DiniRegisterFeature(&DiniFeatureContinuation));
  PetscCall(DiniRegisterFeature(&DiniFeatureCheck));
#if defined(DINI_HAVE_SLEPC)
  PetscCall(DiniRegisterFeature(&DiniFeatureCondition));
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

void DiniFeaturesClose_Private(void)
{
  DiniFeaturesClosed = PETSC_TRUE;
}
