# The inference image: the inference base with this example's code, its configuration and the model on top.
#
# The operator puts frozen_inference_graph.pb and label_map.pbtxt into code/checkpoint_dir/ before it builds.
# BASE_IMAGE is the image made from base.Dockerfile; it has no default because there is no public one.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}

EXPOSE 8080
ENV UAI_SERVICE_CONFIG=/ai/conf.json
# The weights are a separate layer, so a change of the code does not push them again.
COPY code/checkpoint_dir/ /ai/checkpoint_dir/
COPY code/*.py /ai/
COPY object-detect.conf /ai/conf.json
WORKDIR /ai
CMD ["python3", "-m", "inference_server"]
