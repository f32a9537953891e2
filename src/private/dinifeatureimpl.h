/* Features of a Dini that its core does not know by name: the package registers them; a part of diniimpl.h. */
#pragma once

/* What a feature takes part in; any of it may be NULL */
typedef struct {
  PetscErrorCode (*create)(Dini);
  PetscErrorCode (*setfromoptions)(Dini, DiniOptionItems);
  PetscErrorCode (*firstderivative)(Dini); /* asked for by DiniCheckRequested_Private() */
  PetscErrorCode (*view)(Dini, PetscViewer);
  PetscErrorCode (*reset)(Dini); /* layouts have changed */
  PetscErrorCode (*destroy)(Dini);
} DiniFeature;

#define DINI_MAX_FEATURES 16

DINI_INTERN const DiniFeature *DiniFeatures[DINI_MAX_FEATURES + 1]; /* up to a NULL */

/* A method of each feature that has it: DiniEachFeature(reset, dini) */
#define DiniEachFeature(method, ...)                                                                                   \
  do {                                                                                                                 \
    for (int feature_ = 0; DiniFeatures[feature_]; feature_++)                                                         \
      if (DiniFeatures[feature_]->method) PetscCall((*DiniFeatures[feature_]->method)(__VA_ARGS__));                   \
  } while (0)

DINI_INTERN const DiniFeature DiniFeatureObjective, DiniFeatureContinuation, DiniFeatureCheck, DiniFeatureActive;
#if defined(DINI_HAVE_SLEPC)
DINI_INTERN const DiniFeature DiniFeatureCondition;
#endif
