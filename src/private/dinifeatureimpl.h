/* Features of a Dini that its core does not know by name, see dinimethods.h; a part of diniimpl.h. */
#pragma once

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

/* package: those of Dini's own, and no more after the first object */
DINI_INTERN PetscErrorCode DiniFeaturesOpen_Private(void);
DINI_INTERN void           DiniFeaturesClose_Private(void);
